//! Migrations: their commands, where they run, and their undo.

use crate::names::{answers, small, with};
use expect_test::expect;
use pipeline::spec::parse;

#[test]
fn the_words_of_a_command() {
    let command =
        |words: &str| with(&format!("migration: {{service: d, container: d, command: {words}}}"));
    let words = [
        "[x, '']",
        "['', x]",
        "[' ', x]",
        "[]",
        "[x, [y], 'postgres://a:b@c']",
        "[x, 'postgres://a@c', 'postgres://a:@c', 'postgres://c']",
        "[x, 5, true]",
    ];
    let mut told = String::new();
    for words in words {
        let answer =
            parse(&command(words)).map_or_else(|faults| faults.to_string(), |_| "read".into());
        told.push_str(&format!("# {words}\n{answer}\n"));
    }
    expect![[r#"
        # [x, '']
        read
        # ['', x]
        environments.b.migration.command: the first word is empty; write the program to run
        # [' ', x]
        environments.b.migration.command: the first word is empty; write the program to run
        # []
        environments.b.migration.command: the list is empty; write each word as an item: [alembic, upgrade, head]
        # [x, [y], 'postgres://a:b@c']
        environments.b.migration.command[1]: a list is not text; write one value, without brackets and dashes
        environments.b.migration.command[2]: it contains a password, and many people can read commands; read it from a secret
        # [x, 'postgres://a@c', 'postgres://a:@c', 'postgres://c']
        read
        # [x, 5, true]
        environments.b.migration.command[2]: true is not text; put it in quotes, exactly as it is meant
    "#]].assert_eq(&told);
}

#[test]
fn the_undo_of_a_migration() {
    let policy = |rollback: &str, undo: &str| {
        let migration = format!("{{service: d, container: d, command: [x]{undo}}}");
        with(&format!("rollback: {rollback}, migration: {migration}"))
    };
    let undo = ", undo: [y]";
    assert!(parse(&policy("after_undo", undo)).is_ok());
    assert!(parse(&policy("after_undo", "")).is_err());
    for other in ["auto", "manual"] {
        assert!(parse(&policy(other, "")).is_ok());
        assert!(parse(&policy(other, undo)).is_ok());
    }
    expect![[r#"
        rollback: auto: read
        rollback: after_undo: there is no migration to undo; write auto or manual
    "#]]
    .assert_eq(&answers(with, &["rollback: auto", "rollback: after_undo"]));
}

#[test]
fn a_container_is_looked_for_in_the_template() {
    let spec = |containers: &str| {
        let template = format!("{{family: shop, containerDefinitions: {containers}}}");
        let base = format!("base: {{template: {template}, parameters: {{app: x}}}}");
        let migration = "migration: {service: d, container: api, command: [x]}";
        small("{api: shop}", &format!("cluster: c, services: [d], {base}, {migration}"))
    };
    let told = answers(
        spec,
        &[
            "[{name: api, image: 'shop:${app}'}]",
            "[{name: '${app}', image: shop}]",
            "[{name: app, image: 'shop:${app}'}]",
            "[{name: app, image: 'shop:${app}'}, {name: api, image: x}]",
            "[{image: 'shop:${app}'}]",
        ],
    );
    expect![[r#"
        [{name: api, image: 'shop:${app}'}]: read
        [{name: '${app}', image: shop}]: read
        [{name: app, image: 'shop:${app}'}]: "api" is not in the template; did you mean app?
        [{name: app, image: 'shop:${app}'}, {name: api, image: x}]: read
        [{image: 'shop:${app}'}]: it is missing; every container has a name and an image
    "#]]
    .assert_eq(&told);
}

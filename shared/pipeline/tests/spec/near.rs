//! Did you mean: what is close enough to be asked about, and what is not.

use expect_test::expect;
use pipeline::spec::instead;

#[test]
fn a_name_is_near_if_few_letters_make_the_difference() {
    let known = ["tag", "timeout", "scr-api"];
    let mut out = String::new();
    for names in [
        // One letter swapped with its neighbour, added, removed, changed.
        "tga atg tagg tg tap",
        // Two, of which a swap is only half.
        "tba tgb gta gat ga",
        // A longer name may differ in more.
        "tiemuot timeoutes timeoutess SCR_API scr_pia",
    ] {
        for name in names.split(' ') {
            out.push_str(&format!("{name}: {}\n", instead(name, known)));
        }
    }
    expect![[r#"
        tga: did you mean tag?
        atg: did you mean tag?
        tagg: did you mean tag?
        tg: did you mean tag?
        tap: did you mean tag?
        tba: write one of tag, timeout, scr-api
        tgb: write one of tag, timeout, scr-api
        gta: write one of tag, timeout, scr-api
        gat: write one of tag, timeout, scr-api
        ga: write one of tag, timeout, scr-api
        tiemuot: did you mean timeout?
        timeoutes: did you mean timeout?
        timeoutess: write one of tag, timeout, scr-api
        SCR_API: did you mean scr-api?
        scr_pia: did you mean scr-api?
    "#]]
    .assert_eq(&out);
}

#[test]
fn the_nearest_of_several_is_asked_about() {
    assert_eq!(instead("service", ["services", "servics"]), "did you mean services?");
    assert_eq!(instead("worker", ["worked", "workers"]), "did you mean worked?");
    assert_eq!(instead("x", []), "there are none");
}

#[test]
fn very_long_names_are_compared_by_their_beginning() {
    let long = "a".repeat(100_000);
    assert_eq!(instead(&long, [long.as_str()]), format!("did you mean {long}?"));
    assert_eq!(instead(&long, ["tag"]), "write one of tag");
}

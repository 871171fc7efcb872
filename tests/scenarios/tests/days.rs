//! Every day that `cargo run` can show ends as it says.

#![expect(clippy::unwrap_used, reason = "a day that cannot be played has failed")]

use expect_test::expect;
use scenarios::{Day, Screen, System, live};

async fn every_day_of(system: &str) {
    for day in Day::of(&System::example(system).unwrap()) {
        live::show(&Screen::dark(), system, day).await.unwrap();
    }
}

#[tokio::test]
async fn scr() {
    every_day_of("scr").await;
}

#[tokio::test]
async fn power_pto() {
    every_day_of("power-pto").await;
}

#[tokio::test]
async fn wwhd() {
    every_day_of("wwhd").await;
}

#[tokio::test]
async fn omen_epr() {
    every_day_of("omen-epr").await;
}

#[tokio::test]
async fn faceplate() {
    every_day_of("faceplate").await;
}

#[test]
fn the_list_names_the_days_that_a_system_has() {
    expect![[r#"
        days
          good             everything works: succeeded
          bad-image        the new image crashes at start: rolled back
          never-healthy    the new tasks start and never get healthy: rolled back
          crashes-later    the new tasks die after half a minute: rolled back
          sidecar-dies     a container that is not essential dies: succeeded
          hangs            the new tasks never start: rolled back
          migration-fails  the migration exits 1: failed
          check-fails      a site answers 500: rolled back
          alarm            an alarm goes off in the bake: rolled back
          scaled           autoscaling changes the number of tasks meanwhile: succeeded
          image-missing    one of the images is never pushed: nothing started
          turned-round     a person goes back in the rollout: rolled back
          gone-back        a person goes back to the release before: succeeded
          undone           a person goes back and undoes the migration: succeeded
          without-build    a person deploys an image that is there: succeeded
          fresh            a person wants new tasks of the same image: succeeded
          promoted         a person brings what succeeded to production: succeeded
          without-word     a person promotes and forgets the word: refused
          grown            the spec gets one service more: succeeded
          frozen           a push and a person meet a freeze: succeeded
          held             a person goes back; what was left stays out until let in: succeeded
        systems
          scr         good bad-image never-healthy crashes-later hangs migration-fails check-fails alarm scaled image-missing turned-round gone-back undone without-build fresh promoted without-word frozen held
          power-pto   good bad-image never-healthy crashes-later hangs migration-fails check-fails alarm scaled image-missing turned-round gone-back without-build fresh frozen held
          wwhd        good bad-image never-healthy crashes-later hangs alarm scaled turned-round gone-back without-build fresh frozen
          omen-epr    good bad-image never-healthy crashes-later sidecar-dies hangs check-fails scaled turned-round gone-back without-build fresh grown frozen held
          faceplate   good bad-image hangs migration-fails check-fails alarm turned-round gone-back without-build fresh grown frozen held
    "#]].assert_eq(&scenarios::list());
}

#[test]
fn a_day_that_a_system_does_not_have_is_answered_with_those_that_it_has() {
    let error = Day::named("undone", "wwhd").unwrap_err();
    expect!["wwhd has no day undone; it has good, bad-image, never-healthy, crashes-later, hangs, alarm, scaled, turned-round, gone-back, without-build, fresh, frozen"].assert_eq(&error.to_string());
}

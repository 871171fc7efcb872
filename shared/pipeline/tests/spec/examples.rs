//! The five real systems: each example is read, and its short form is what we believe it says.

use expect_test::{Expect, expect};
use pipeline::spec::{Application, Base, Environment, Target, parse};
use std::fmt::Write;

pub(crate) const SCR: &str = include_str!("../../../../infra/examples/scr.yaml");
pub(crate) const POWER_PTO: &str = include_str!("../../../../infra/examples/power-pto.yaml");
pub(crate) const WWHD: &str = include_str!("../../../../infra/examples/wwhd.yaml");
pub(crate) const OMEN_EPR: &str = include_str!("../../../../infra/examples/omen-epr.yaml");
pub(crate) const FACEPLATE: &str = include_str!("../../../../infra/examples/faceplate.yaml");

pub(crate) const ALL: [&str; 5] = [SCR, POWER_PTO, WWHD, OMEN_EPR, FACEPLATE];

fn check(example: &str, short_form: Expect) {
    let application = parse(example).unwrap_or_else(|faults| panic!("{faults}"));
    short_form.assert_eq(&summary(&application).unwrap());
}

fn summary(application: &Application) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let images = application.images.iter().map(|(name, repository)| format!("{name}={repository}"));
    writeln!(out, "{}: {}", application.application, images.collect::<Vec<_>>().join(" "))?;
    for (name, environment) in &application.environments {
        match &environment.target {
            Target::Cluster(cluster) => writeln!(out, "{name} on cluster {cluster}")?,
            Target::Hosts(tags) => writeln!(out, "{name} on hosts {tags:?}")?,
        }
        rules(&mut out, environment)?;
    }
    Ok(out)
}

fn rules(out: &mut String, environment: &Environment) -> std::fmt::Result {
    if let Some(on) = &environment.deploy_on {
        let images: Vec<&str> = on.images.iter().map(|image| image.as_str()).collect();
        write!(out, "  on {:?} of {} ({})", on.tags, images.join("+"), on.patience)?;
        let source = on.promoted_from.as_ref().map(|source| format!(" from {source}"));
        writeln!(out, "{}", source.unwrap_or_default())?;
    }
    if environment.confirm.is_some() || environment.tag.is_some() {
        writeln!(out, "  confirm {:?}, tag {:?}", environment.confirm, environment.tag)?;
    }
    if let Some(migration) = &environment.migration {
        let (service, container) = (&migration.service, &migration.container);
        let (command, undo) = (migration.command.join(" "), migration.undo.is_some());
        writeln!(
            out,
            "  migrate {service}/{container}: {command} ({}) undo={undo}",
            migration.timeout
        )?;
    }
    for (wave, service) in environment.services() {
        let base = match &service.base {
            Base::Running => "running",
            Base::Latest => "latest",
            Base::Template { .. } => "template",
        };
        write!(out, "  wave {wave}: {} ({}) {base}", service.name, service.timeout)?;
        if let Some(create) = &service.create {
            write!(out, " create {}", create.desired_count)?;
        }
        if let Some(container) = &service.container {
            write!(out, " {} {:?} {:?}", container.image, container.ports, container.env_file)?;
        }
        writeln!(out)?;
    }
    for check in &environment.checks {
        let (attempts, every, timeout) = (check.attempts, check.every, check.timeout);
        writeln!(out, "  check {} {:?} {attempts}x{every}/{timeout}", check.url, check.expect)?;
    }
    let alarms: Vec<&str> = environment.alarms.names.iter().map(|name| name.as_str()).collect();
    writeln!(out, "  bake {} {}", environment.bake, alarms.join(" "))?;
    let Environment { queue, rollback, first_deploy, failures, .. } = environment;
    writeln!(
        out,
        "  {queue:?} {rollback:?} {first_deploy:?} {} {:?}",
        failures.tasks, failures.sidecars
    )
}

#[test]
fn scr_is_read() {
    check(
        SCR,
        expect![[r#"
            scr: api=scr-api gateway=scr-ai-gateway web=scr-web
            production on cluster scr-production
              on [Semver(">=0.0.0")] of api+gateway+web (30m) from staging
              confirm Some("DEPLOY"), tag Some(Tag("production-latest"))
              migrate scr-api-production/api: poetry run alembic upgrade head (15m) undo=true
              wave 0: scr-api-production (15m) running
              wave 1: scr-ai-gateway-production (10m) running
              wave 2: scr-web-production (10m) running
              check https://api.scr-platform.com/health [200] 10x15s/5s
              check https://scr-platform.com/ [200, 301, 307] 10x15s/5s
              bake 10m scr-production-5xx scr-production-p99
              Newest Auto Leave 3 Warn
            staging on cluster scr-staging
              on [Glob("[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*")] of api+gateway+web (30m)
              migrate scr-api/api: poetry run alembic upgrade head (15m) undo=true
              wave 0: scr-api (10m) running
              wave 1: scr-ai-gateway (10m) running
              wave 2: scr-web (10m) running
              check https://api.staging.scr-platform.com/health [200] 5x10s/5s
              check https://staging.scr-platform.com/ [200, 307] 5x10s/5s
              bake 5m scr-staging-5xx scr-staging-p99
              Newest Auto Leave 3 Warn
        "#]],
    );
}

#[test]
fn power_pto_is_read() {
    check(
        POWER_PTO,
        expect![[r#"
            power-pto: api=power-pto/api frontend=power-pto/frontend worker=power-pto/worker
            production on cluster power-pto
              on [Glob("[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*")] of api+frontend+worker (20m)
              migrate api/api: uv run alembic upgrade head (15m) undo=false
              wave 0: api (10m) running
              wave 0: worker (10m) running
              wave 0: frontend (10m) running
              check https://pto.example.com/api/health [200] 5x10s/5s
              check https://pto.example.com/ [200] 5x10s/5s
              bake 10m power-pto-latency-p99 power-pto-5xx-rate power-pto-4xx-rate power-pto-cpu power-pto-memory power-pto-accrual-failures
              Newest Auto Leave 3 Warn
        "#]],
    );
}

#[test]
fn wwhd_is_read() {
    check(
        WWHD,
        expect![[r#"
        wwhd: backend=wwhd-backend
        production on cluster wwhd-cluster
          on [Moving(Tag("latest"))] of backend (30m)
          wave 0: wwhd-service (10m) running
          bake 5m HighLatency HighErrorRate
          Newest Auto Leave 3 Warn
    "#]],
    );
}

#[test]
fn omen_epr_is_read() {
    check(
        OMEN_EPR,
        expect![[r#"
            omen-epr: epr=omen-epr
            production on cluster omen-production
              on [Glob("20[0-9]*")] of epr (30m)
              wave 0: omen-epr-service (10m) template create 1
              check https://epr.example.com/healthz [200] 5x10s/5s
              bake 3m 
              Newest Auto Leave 3 Warn
        "#]],
    );
}

#[test]
fn faceplate_is_read() {
    check(
        FACEPLATE,
        expect![[r#"
        faceplate: app=shifter/faceplate
        dev on hosts {"Component": "faceplate", "Environment": "dev"}
          on [Glob("dev-*")] of app (30m)
          migrate faceplate/faceplate: /opt/faceplate/scripts/migrate.sh (15m) undo=false
          wave 0: faceplate (5m) running app ["8000:8000"] Some("/etc/faceplate.env")
          check https://dev.shifter.example.com/health [200] 30x5s/5s
          bake 0s 
          Newest Auto Leave 3 Warn
        prod on hosts {"Component": "faceplate", "Environment": "prod"}
          on [Glob("main-*")] of app (30m)
          migrate faceplate/faceplate: /opt/faceplate/scripts/migrate.sh (10m) undo=false
          wave 0: faceplate (5m) running app ["8000:8000"] Some("/etc/faceplate.env")
          check https://shifter.example.com/health [200] 30x5s/5s
          bake 10m faceplate-prod-high-cpu faceplate-prod-unhealthy
          Newest Auto Leave 3 Warn
    "#]],
    );
}

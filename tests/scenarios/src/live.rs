//! A day as it happens, for a person to watch.

use crate::{Day, Error, Team};
use pipeline::time::{Span, Time};
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

/// Waiting is shown, but not waited out: a minute of the sandbox takes so long here.
const MINUTE: Duration = Duration::from_millis(120);
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Plays one day from the push to the verdict, and says whether it ended as it should.
pub async fn show(system: &str, day: Day) -> Result<(), Error> {
    let screen = Screen::new();
    screen.title(&format!("{system}: {}", day.what()))?;
    screen.faint("building the functions, and a small AWS to run them in")?;
    let mut team = Team::start(system).await?;
    let environment = first_environment(&team)?;
    let place = format!("{}/{environment}", team.system.spec.application);
    let tag = team.tag();

    if day != Day::Good {
        // There must be something good to go back to.
        let before = team.older_tag();
        team.push_all(&before, "before")?;
        team.until_ended(&place, 1).await?;
        screen.faint(&format!("{before} was deployed before and runs"))?;
    }
    let number = if day == Day::Good { 1 } else { 2 };
    let digests = team.push_all(&tag, &format!("for {day:?}"))?;
    for repository in digests.keys() {
        screen.line(Span::default(), &format!("push {repository}:{tag}"))?;
    }
    if let Some(digest) = digests.values().next() {
        let digest = digest.clone();
        day.prepare(&mut team, &environment, &digest)?;
    }
    let pushed_at = Time::from_millis(team.sandbox.now());
    watch(&screen, &mut team, day, &place, &environment, number, pushed_at).await?;

    screen.text("")?;
    for (service, images) in team.running(&environment) {
        let images: Vec<String> = images.iter().map(|image| team.name_of(image)).collect();
        screen.text(&format!("  {service} runs {}", images.join(", ")))?;
    }
    screen.text(&format!("\n  Slack\n{}", indented(&team.web.channel())))?;
    let ended = team.deployment(&place, number);
    let verdict = ended.as_ref().and_then(|d| d.verdict()).map_or("none", |v| v.name());
    let expected = day.verdict(&team, &environment);
    if verdict == expected {
        screen.good(&format!("{place}/{number} ended {verdict}, as it should"))?;
        Ok(())
    } else {
        Err(Error::Unknown(format!("{place}/{number} ended {verdict}, and should have {expected}")))
    }
}

/// Keeps a sandbox up for other tools; its time then goes as fast as everybody's.
pub async fn serve(system: &str) -> Result<(), Error> {
    let screen = Screen::new();
    let mut team = Team::start_on(system, 4566).await?;
    let endpoint = team.sandbox.endpoint();
    let application = team.system.spec.application.clone();
    let environment = first_environment(&team)?;
    screen.title(&format!("{application} is served at {endpoint}"))?;
    screen.text(&format!(
        "export AWS_ENDPOINT_URL={endpoint} AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=me\n\
         aws lambda invoke --function-name slipway-status --payload '{{}}' --cli-binary-format raw-in-base64-out /dev/stdout\n\
         aws lambda invoke --function-name slipway-rollback --payload '{{\"application\": \"{application}\", \"environment\": \"{environment}\", \"dry_run\": true}}' --cli-binary-format raw-in-base64-out /dev/stdout\n\
         aws dynamodb scan --table-name {}\n\nEnd it with Ctrl-C.",
        team.sandbox.stack().tables.values().next().map_or("", |table| table.name.as_str()),
    ))?;
    Ok(team.sandbox.serve().await?)
}

async fn watch(
    screen: &Screen,
    team: &mut Team,
    day: Day,
    place: &str,
    environment: &str,
    number: u64,
    pushed_at: Time,
) -> Result<(), Error> {
    let (mut shown, mut state) = (0, "");
    let limit = team.sandbox.now() + 3 * 3_600_000;
    loop {
        let before = team.sandbox.now();
        team.step().await?;
        screen.pause(team.sandbox.now().saturating_sub(before)).await;
        if team.sandbox.now() > limit {
            return Err(Error::Late {
                seconds: 3 * 3600,
                lately: team.sandbox.account().trace.tail(40),
            });
        }
        let Some(deployment) = team.deployment(place, number) else { continue };
        for entry in deployment.timeline.entries().iter().skip(shown) {
            screen.line(entry.at.since(pushed_at), &entry.text)?;
        }
        shown = deployment.timeline.entries().len();
        if deployment.state.name() != state {
            state = deployment.state.name();
            day.go_on(team, environment, state);
        }
        if deployment.verdict().is_some() && team.left_over().is_empty() {
            return Ok(());
        }
    }
}

fn first_environment(team: &Team) -> Result<String, Error> {
    let mut names = team.system.environments().map(|(name, rules)| (name.to_owned(), rules));
    let open = names.find(|(_, rules)| {
        rules.deploy_on.as_ref().is_some_and(|deploy_on| deploy_on.promoted_from.is_none())
    });
    open.map(|(name, _)| name)
        .ok_or_else(|| Error::Unknown("the system deploys nothing by itself".into()))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Where it is shown: coloured and paced on a terminal, plain and at once elsewhere.
struct Screen {
    terminal: bool,
}

impl Screen {
    fn new() -> Self {
        Self { terminal: stdout().is_terminal() }
    }

    fn title(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("1", &format!("\n{text}")))
    }

    fn faint(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("2", &format!("  {text}")))
    }

    fn good(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("32", text))
    }

    fn line(&self, after: Span, text: &str) -> Result<(), Error> {
        let seconds = after.as_seconds();
        let clock = self.painted("2", &format!("{:>3}:{:02}", seconds / 60, seconds % 60));
        self.text(&format!("  {clock}  {text}"))
    }

    fn text(&self, text: &str) -> Result<(), Error> {
        let mut out = stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.terminal { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    async fn pause(&self, millis: u64) {
        if self.terminal {
            let share = MINUTE.as_secs_f64() * millis as f64 / 60_000.0;
            tokio::time::sleep(Duration::from_secs_f64(share).min(PAUSE_MAX)).await;
        }
    }
}

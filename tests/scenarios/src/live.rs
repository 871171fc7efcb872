//! A day as it happens, for a person to watch.

use crate::day::{Act, NOTHING_STARTED, REFUSED};
use crate::{Day, Deployment, Error, Screen, System, Team};
use pipeline::time::Time;
use pipeline::verdict::Verdict;
use serde_json::Value;

/// Plays one day, from the push or the request to the end, and returns whether it ended as
/// expected.
pub async fn show(screen: &Screen, system: &str, day: Day) -> Result<(), Error> {
    show_with(screen, system, day, |_| {}).await
}

/// As `show`, with something changed before anything happens.
pub async fn show_with(
    screen: &Screen,
    system: &str,
    day: Day,
    change: impl FnOnce(&Team),
) -> Result<(), Error> {
    screen.title(&format!("{system}: {}", day.what()))?;
    screen.faint("building the functions, and a small AWS to run them in")?;
    let mut team = Team::start(system).await?;
    change(&team);
    let environment = day.environment(&team.system).ok_or_else(nowhere)?.to_owned();
    have_releases(screen, &mut team, day.releases_before()).await?;

    let mut watched = Watched::new(&team, day, environment);
    screen.faint(&format!("it is {}", watched.began_at))?;
    let mut refused = false;
    let acts = day.acts(&team, &watched.environment);
    let lacking = || Error::Unknown(format!("{system} lacks something for this day"));
    for act in acts.ok_or_else(lacking)? {
        match act {
            Act::Ask { function, payload, accepted } => {
                watched.ask(screen, &mut team, function, payload, accepted).await?;
                refused = !accepted;
            }
            Act::Configure { text, more } => {
                watched.configure(screen, &mut team, &text, &more).await?;
            }
            Act::Push { tag, content } => watched.push(screen, &mut team, &tag, &content)?,
            Act::Wait => watched.watch(screen, &mut team).await?,
        }
    }
    tell(screen, &team, &watched.environment)?;
    let place = &watched.place;
    let last = team.deployment(place, watched.number);
    let verdict = last.as_ref().and_then(|d| d.verdict()).map(Verdict::name);
    let ended = verdict.unwrap_or(if refused { REFUSED } else { NOTHING_STARTED });
    let expected = day.end();
    if ended != expected {
        let what = format!("{place}: {ended}, and it should have been: {expected}");
        return Err(Error::Unknown(what));
    }
    if !day.was_seen(&team, &watched.environment, last.as_ref()) {
        let what = format!("{place}: {ended}, and nobody saw that {}", day.what());
        return Err(Error::Unknown(what));
    }
    screen.good(&format!("{place}: {ended}, as it should"))
}

/// Keeps a sandbox up for other tools; its time then goes as fast as everybody's.
pub async fn serve(system: &str) -> Result<(), Error> {
    let screen = Screen::new();
    let mut team = Team::start_on(system, 4566).await?;
    let endpoint = team.sandbox.endpoint();
    let application = team.system.spec.application.clone();
    let environment = team.system.home().ok_or_else(nowhere)?.0.to_owned();
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

/// There must be a good release to roll back to, or to promote.
async fn have_releases(screen: &Screen, team: &mut Team, count: usize) -> Result<(), Error> {
    let environment = team.system.home().ok_or_else(nowhere)?.0.to_owned();
    let place = format!("{}/{environment}", team.system.spec.application);
    for (number, tag) in (1..).zip(team.tags(&environment)).take(count) {
        team.push_all(&tag, &format!("number {number}"))?;
        team.until_ended(&place, number).await?;
        screen.faint(&format!("{tag} was deployed before"))?;
    }
    Ok(())
}

/// The deployments that a day is about.
struct Watched {
    day: Day,
    environment: String,
    place: String,
    /// The one in progress, or the next one.
    number: u64,
    began_at: Time,
}

impl Watched {
    fn new(team: &Team, day: Day, environment: String) -> Self {
        let place = format!("{}/{environment}", team.system.spec.application);
        let before = team.deployments().iter().filter(|d| d.id.place.to_string() == place).count();
        let began_at = Time::from_millis(team.sandbox.now());
        Self { day, environment, place, number: before as u64 + 1, began_at }
    }

    /// A person makes a request, and it is accepted or refused.
    async fn ask(
        &self,
        screen: &Screen,
        team: &mut Team,
        function: &str,
        payload: Value,
        accepted: bool,
    ) -> Result<(), Error> {
        self.line(screen, team, &format!("invoke slipway-{function} with {payload}"))?;
        let answer = team.ask(function, payload).await?;
        let said = answer["answer"].as_str().or(answer["because"].as_str()).unwrap_or_default();
        self.line(screen, team, &format!("it answers: {said}"))?;
        match answer["accepted"] == accepted {
            true => Ok(()),
            false => Err(Error::Unknown(format!("{function} should not have said so"))),
        }
    }

    /// A person gives Slipway another spec, and reads what is different by it.
    async fn configure(
        &self,
        screen: &Screen,
        team: &mut Team,
        text: &str,
        more: &str,
    ) -> Result<(), Error> {
        let typed = format!("invoke slipway-configure with the spec, and {more}");
        self.line(screen, team, &typed)?;
        team.have_repositories_of(&System::read(text)?);
        let answer = team.respecify(text).await?;
        for (verb, field) in [("answers", "changes"), ("warns", "warnings")] {
            let lines = answer[field].as_array().into_iter().flatten().filter_map(Value::as_str);
            for line in lines {
                self.line(screen, team, &format!("it {verb}: {line}"))?;
            }
        }
        Ok(())
    }

    /// A build pushes all images of a release, or all but one.
    fn push(
        &self,
        screen: &Screen,
        team: &mut Team,
        tag: &str,
        content: &str,
    ) -> Result<(), Error> {
        let repositories = team.system.spec.images.values().map(ToString::to_string);
        let mut repositories: Vec<String> = repositories.collect();
        if self.day == Day::ImageMissing {
            repositories.pop();
        }
        let mut digests = Vec::new();
        for repository in repositories {
            let digest = team.push(&repository, tag, content)?;
            let name = team.name_of(&format!("ecr/{repository}@{digest}"));
            self.line(screen, team, &format!("push {name}"))?;
            digests.push(digest);
        }
        digests.first().map_or(Ok(()), |one| self.day.prepare(team, &self.environment, one))
    }

    fn line(&self, screen: &Screen, team: &Team, text: &str) -> Result<(), Error> {
        screen.line(Time::from_millis(team.sandbox.now()).since(self.began_at), text)
    }

    async fn watch(&mut self, screen: &Screen, team: &mut Team) -> Result<(), Error> {
        let is_over = |d: Deployment| d.verdict().is_some();
        if team.deployment(&self.place, self.number).is_some_and(is_over) {
            self.number += 1;
        }
        let (mut shown, mut state) = (0, "");
        let told_before = told(team);
        let limit = team.sandbox.now() + 3 * 3_600_000;
        loop {
            let before = team.sandbox.now();
            team.step().await?;
            screen.pause(team.sandbox.now().saturating_sub(before)).await;
            if team.sandbox.now() > limit {
                let lately = team.sandbox.account().trace.tail(40);
                return Err(Error::Late { seconds: 3 * 3600, lately });
            }
            let Some(deployment) = team.deployment(&self.place, self.number) else {
                // A request that does not start may cause a notice, and nothing more.
                if told(team) > told_before && team.left_over().is_empty() {
                    return self.line(screen, team, &format!("it tells: {}", last_word(team)));
                }
                continue;
            };
            for entry in deployment.timeline.entries().iter().skip(shown) {
                screen.line(entry.at.since(self.began_at), &entry.text)?;
            }
            shown = deployment.timeline.entries().len();
            if deployment.state.name() != state {
                state = deployment.state.name();
                self.day.go_on(team, &self.environment, state).await?;
            }
            if deployment.verdict().is_some() && team.left_over().is_empty() {
                return Ok(());
            }
        }
    }
}

fn told(team: &Team) -> usize {
    team.sandbox.account().services.sns.published.len()
}

/// The last notice, and why.
fn last_word(team: &Team) -> String {
    let account = team.sandbox.account();
    let Some(last) = account.services.sns.published.last() else { return String::new() };
    let by_protocol: Value = serde_json::from_str(&last.message).unwrap_or_default();
    let lines = by_protocol["email"].as_str().unwrap_or_default().lines();
    lines.take(2).collect::<Vec<_>>().join(". ")
}

/// What runs now, and what people read.
fn tell(screen: &Screen, team: &Team, environment: &str) -> Result<(), Error> {
    screen.text("")?;
    for (service, images) in team.running(environment) {
        let images: Vec<String> = images.iter().map(|image| team.name_of(image)).collect();
        screen.text(&format!("  {service} runs {}", images.join(", ")))?;
    }
    screen.text(&format!("\n  Slack\n{}", indented(&team.web.channel())))
}

fn nowhere() -> Error {
    Error::Unknown("the system deploys nothing by itself".into())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

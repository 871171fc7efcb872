//! The table keys of each record, and the record of a table key.

use engine::{Key, Lookup};
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place, Version};

/// The partition that lists every application.
pub(crate) const APPLICATIONS: &str = "applications";

/// Partition and sort key. A name contains no blanks, so the first " / " is ours.
pub(crate) fn place_of(key: &Key) -> (String, String) {
    let text = key.to_string();
    match text.split_once(" / ") {
        Some((partition, sort)) => (partition.to_owned(), sort.to_owned()),
        None => (text, String::new()),
    }
}

/// The record with these keys; `None`: it is something else.
pub(crate) fn key_at(partition: &str, sort: &str) -> Option<Key> {
    if let Some(application) = partition.strip_prefix("app#") {
        let application = ApplicationName::new(application);
        return match sort.strip_prefix("release#") {
            Some(version) => Some(Key::Candidate { application, version: Version::new(version) }),
            None => (sort == "spec").then_some(Key::Spec(application)),
        };
    }
    let (application, environment) = partition.strip_prefix("env#")?.split_once('/')?;
    let place = Place {
        application: ApplicationName::new(application),
        environment: EnvironmentName::new(environment),
    };
    match sort.strip_prefix("deployment#") {
        Some(number) => {
            let number = number.parse().ok()?;
            Some(Key::Deployment(DeploymentId { place, number }))
        }
        None => (sort == "head").then_some(Key::Head(place)),
    }
}

/// The partition that lists the applications whose specs name something.
pub(crate) fn partition_of(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Repository(repository) => format!("repository#{repository}"),
        Lookup::Service { cluster, service } => format!("service#{cluster}/{service}"),
        Lookup::Alarm(alarm) => format!("alarm#{alarm}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{key_at, place_of};
    use engine::Key;
    use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place, Version};

    #[test]
    fn every_key_is_found_again_where_it_was_put() {
        let application = ApplicationName::new("scr");
        let place = Place {
            application: application.clone(),
            environment: EnvironmentName::new("staging"),
        };
        let version = Version::new("v1.2.3 / odd#one");
        let keys = [
            Key::Spec(application.clone()),
            Key::Candidate { application, version },
            Key::Head(place.clone()),
            Key::Deployment(DeploymentId { place, number: 17 }),
        ];
        for key in keys {
            let (partition, sort) = place_of(&key);
            assert_eq!(key_at(&partition, &sort), Some(key), "{partition} / {sort}");
        }
    }

    #[test]
    fn what_is_no_record_is_none() {
        for (partition, sort) in
            [("app#scr", "other"), ("env#scr", "head"), ("env#scr/staging", "notice#1"), ("", "")]
        {
            assert_eq!(key_at(partition, sort), None, "{partition} / {sort}");
        }
    }
}

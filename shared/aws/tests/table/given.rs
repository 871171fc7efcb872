//! A table for the tests, and records to put into it.

use crate::lossy::{self, Way};
use aws::settings::TABLE;
use aws::{Aws, Settings};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use engine::{Key, Record, Write};
use pipeline::environment::Head;
use pipeline::names::{ApplicationName, EnvironmentName, Place};
use pipeline::spec::{self, Application};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The embedded engine, and Amazon's where there is one, each with an empty table.
pub(crate) async fn world() -> Vec<Aws> {
    let mut worlds = Vec::new();
    for endpoint in endpoints().await {
        worlds.push(with_table(endpoint).await);
    }
    worlds
}

/// The same, by a way that is watched.
pub(crate) async fn watched_world() -> Vec<(Aws, Way)> {
    let mut worlds = Vec::new();
    for endpoint in endpoints().await {
        let way = Way::default();
        let endpoint = lossy::before(&endpoint, way.clone()).await;
        worlds.push((with_table(endpoint).await, way));
    }
    worlds
}

async fn endpoints() -> Vec<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let embedded = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    std::iter::once(embedded).chain(std::env::var("SLIPWAY_DYNAMODB_LOCAL")).collect()
}

async fn with_table(endpoint: String) -> Aws {
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let count = TABLES.fetch_add(1, Ordering::Relaxed);
    let table = format!("slipway-{}-{count}", std::process::id());
    let aws = Aws::new(Settings::given([
        (TABLE, table.clone()),
        ("AWS_REGION", "eu-central-1".into()),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST".into()),
        ("AWS_SECRET_ACCESS_KEY", "secret".into()),
        ("AWS_ENDPOINT_URL", endpoint),
    ]));
    let attribute = |name: &str, kind: ScalarAttributeType| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .unwrap();
    let creating = aws.dynamodb().create_table().table_name(table);
    creating
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(due)
        .send()
        .await
        .unwrap();
    aws
}

pub(crate) fn head(place: &str) -> Head {
    let (application, environment) = place.split_once('/').unwrap();
    Head::new(Place {
        application: ApplicationName::new(application),
        environment: EnvironmentName::new(environment),
    })
}

pub(crate) fn spec() -> Application {
    spec::parse(include_str!("../../../../infra/examples/scr.yaml")).unwrap()
}

pub(crate) fn write(head: Head, read_version: Option<u64>) -> Write {
    let key = Key::Head(head.place.clone());
    Write { key, read_version, record: Record::Head(head), due: None, lookups: vec![] }
}

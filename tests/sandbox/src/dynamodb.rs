//! The table: a real engine, asked for the permissions that AWS asks for and counting what AWS bills.

use crate::{
    Error,
    service::{Call, Desk, Need, Refusal, Service},
    template::{Deployed, Table},
    trace::Units,
};
use dynoxide::{Database, DynoxideError, storage_backend::Clock};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub struct DynamoDb {
    engine: Database,
    tables: BTreeMap<String, Table>,
    now: Arc<Millis>,
    /// What the last call cost.
    units: Units,
}

/// The sandbox's time as the engine reads it.
#[derive(Debug, Default)]
struct Millis(AtomicU64);

impl DynamoDb {
    pub fn new(stack: &Deployed) -> Result<Self, Error> {
        let now = Arc::new(Millis::default());
        let engine = Database::memory_with_clock(now.clone());
        let engine =
            engine.map_err(|problem| Error::Stack(format!("no table can be kept: {problem}")))?;
        let tables =
            stack.tables.values().map(|table| (table.name.clone(), table.clone())).collect();
        let this = Self { engine, tables, now, units: Units::default() };
        for table in this.tables.values() {
            let refused =
                |refusal: Refusal| Error::Stack(format!("{}: {}", table.id, refusal.message));
            this.ask("CreateTable", &table.create).map_err(refused)?;
            if let Some(attribute) = &table.expires {
                let expires = json!({ "AttributeName": attribute, "Enabled": true });
                let expires =
                    json!({ "TableName": table.name, "TimeToLiveSpecification": expires });
                this.ask("UpdateTimeToLive", &expires).map_err(refused)?;
            }
        }
        Ok(this)
    }

    /// Every item of a table, by the table's logical id, in the wire's form.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let Some(table) = self.tables.values().find(|each| each.id == table) else {
            return Vec::new();
        };
        let mut items = Vec::new();
        let mut input = json!({ "TableName": table.name });
        while let Ok(mut answer) = self.ask("Scan", &input) {
            items.extend(answer["Items"].as_array().cloned().unwrap_or_default());
            match answer["LastEvaluatedKey"].take() {
                Value::Null => break,
                last => input["ExclusiveStartKey"] = last,
            }
        }
        items
    }

    /// Deletes what has expired.
    pub(crate) fn expire(&self, now: u64) -> Result<usize, Error> {
        self.now.0.store(now, Ordering::Relaxed);
        self.engine
            .sweep_ttl()
            .map_err(|problem| Error::Stack(format!("nothing can expire: {problem}")))
    }

    /// What the last call cost, once.
    pub(crate) fn take_units(&mut self) -> Units {
        std::mem::take(&mut self.units)
    }

    fn ask(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let db = &self.engine;
        match operation {
            "GetItem" => run(input, |request| db.get_item(request)),
            "PutItem" => run(input, |request| db.put_item(request)),
            "UpdateItem" => run(input, |request| db.update_item(request)),
            "DeleteItem" => run(input, |request| db.delete_item(request)),
            "Query" => run(input, |request| db.query(request)),
            "Scan" => run(input, |request| db.scan(request)),
            "BatchGetItem" => run(input, |request| db.batch_get_item(request)),
            "BatchWriteItem" => run(input, |request| db.batch_write_item(request)),
            "TransactGetItems" => run(input, |request| db.transact_get_items(request)),
            "TransactWriteItems" => run(input, |request| db.transact_write_items(request)),
            "CreateTable" => run(input, |request| db.create_table(request)),
            "DescribeTable" => run(input, |request| db.describe_table(request)),
            "DescribeTimeToLive" => run(input, |request| db.describe_time_to_live(request)),
            "UpdateTimeToLive" => run(input, |request| db.update_time_to_live(request)),
            "ListTables" => run(input, |request| db.list_tables(request)),
            other => Err(Refusal::new(
                "com.amazon.coral.service#UnknownOperationException",
                format!("The sandbox does not know dynamodb {other}."),
            )),
        }
    }

    fn arn(&self, called: &Value) -> String {
        let called = called.as_str().unwrap_or_default();
        let found = self.tables.values().find(|table| table.name == called || table.arn == called);
        found.map_or_else(|| "*".to_owned(), |table| table.arn.clone())
    }

    fn need(&self, action: &str, part: &Value) -> Need {
        let arn = self.arn(&part["TableName"]);
        let need = match part["IndexName"].as_str() {
            Some(index) => Need::new(&format!("dynamodb:{action}"), format!("{arn}/index/{index}")),
            None => Need::new(&format!("dynamodb:{action}"), arn.clone()),
        };
        let table = self.tables.values().find(|table| table.arn == arn);
        let keys =
            table.and_then(|table| table.create["KeySchema"].as_array()).into_iter().flatten();
        let hash = keys
            .filter(|key| key["KeyType"] == "HASH")
            .find_map(|key| key["AttributeName"].as_str());
        let item = part.get("Key").or_else(|| part.get("Item"));
        match hash.and_then(|hash| item?.get(hash)?.get("S")?.as_str()) {
            Some(leading) => need.with("dynamodb:LeadingKeys", leading),
            None => need,
        }
    }
}

impl Service for DynamoDb {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let input = &call.input;
        let parts = |key: &str| input[key].as_array().cloned().unwrap_or_default();
        match call.operation.as_str() {
            // A transaction needs what its parts need, and nothing for itself.
            "TransactWriteItems" | "TransactGetItems" => {
                let mut needs = Vec::new();
                for part in parts("TransactItems") {
                    for (kind, part) in part.as_object().into_iter().flatten() {
                        let action = match kind.as_str() {
                            "ConditionCheck" => "ConditionCheckItem".to_owned(),
                            other => format!("{other}Item"),
                        };
                        needs.push(
                            self.need(&action, part)
                                .with("dynamodb:EnclosingOperation", &*call.operation),
                        );
                    }
                }
                needs
            }
            "BatchGetItem" | "BatchWriteItem" => {
                let tables = input["RequestItems"].as_object().into_iter().flatten();
                tables
                    .map(|(table, _)| self.need(&call.operation, &json!({ "TableName": table })))
                    .collect()
            }
            "ListTables" => vec![Need::new("dynamodb:ListTables", "*")],
            operation => vec![self.need(operation, input)],
        }
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        self.now.0.store(desk.now, Ordering::Relaxed);
        let mut input = call.input.clone();
        let counted = COUNTED.contains(&call.operation.as_str());
        let asked = input.get("ReturnConsumedCapacity").is_some();
        if counted && !asked {
            input["ReturnConsumedCapacity"] = json!("TOTAL");
        }
        let mut answer = self.ask(&call.operation, &input)?;
        let total = total(&answer["ConsumedCapacity"]);
        if call.operation.contains("Get") || ["Query", "Scan"].contains(&call.operation.as_str()) {
            self.units.read = total;
        } else {
            self.units.written = total;
        }
        if counted && !asked {
            answer.as_object_mut().map(|members| members.remove("ConsumedCapacity"));
        }
        Ok(answer)
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

const COUNTED: [&str; 10] = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
];

impl Clock for Millis {
    fn now_unix_secs(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / 1000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1000.0
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb").field("tables", &self.tables.keys()).finish_non_exhaustive()
    }
}

fn run<Request: DeserializeOwned, Answer: Serialize>(
    input: &Value,
    act: impl FnOnce(Request) -> Result<Answer, DynoxideError>,
) -> Result<Value, Refusal> {
    let broken = |problem: serde_json::Error| {
        // The engine says what is wrong with a request in its own words behind the type's name.
        Refusal::new("com.amazon.coral.validate#ValidationException", problem.to_string())
    };
    let request = serde_json::from_value(input.clone()).map_err(broken)?;
    let answer = act(request).map_err(|problem| refusal(&problem))?;
    serde_json::to_value(answer).map_err(broken)
}

fn refusal(problem: &DynoxideError) -> Refusal {
    let mut members: Value = serde_json::from_str(&problem.to_json()).unwrap_or_else(|_| json!({}));
    if let Some(members) = members.as_object_mut() {
        members.retain(|key, _| !["__type", "message", "Message"].contains(&key.as_str()));
    }
    Refusal {
        status: problem.status_code(),
        code: problem.error_type().to_owned(),
        message: problem.to_string(),
        members,
    }
}

fn total(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(total).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or(0.0),
    }
}

//! `infra/template.yaml` as a tree, and the questions that several tests ask it.

use serde_json::Value;

const TEXT: &str = include_str!("../../../infra/template.yaml");

/// The template as any YAML parser reads it, its functions (`Ref`, `Fn::Sub`) unresolved.
#[derive(Clone, Debug)]
pub struct Template {
    pub text: &'static str,
    pub tree: Value,
}

#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub properties: &'a Value,
    whole: &'a Value,
}

impl Template {
    pub fn load() -> Self {
        let tree = serde_saphyr::from_str(TEXT).expect("infra/template.yaml is YAML");
        Self { text: TEXT, tree }
    }

    /// The entries of one top section, in alphabetical order.
    pub fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.tree[name].as_object().into_iter().flatten();
        entries.map(|(name, value)| (name.as_str(), value))
    }

    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.section("Resources").map(|(id, whole)| Resource {
            id,
            kind: whole["Type"].as_str().unwrap_or_default(),
            properties: &whole["Properties"],
            whole,
        })
    }

    pub fn of(&self, kind: &str) -> impl Iterator<Item = Resource<'_>> {
        self.resources().filter(move |resource| resource.kind == kind)
    }

    pub fn get(&self, id: &str) -> Resource<'_> {
        let found = self.resources().find(|resource| resource.id == id);
        found.unwrap_or_else(|| unreachable!("the template has no resource {id}"))
    }

    /// The functions of `functions/`; `FetchCode`, which brings their code, has no name.
    pub fn functions(&self) -> Vec<Resource<'_>> {
        let all = self.of("AWS::Lambda::Function");
        all.filter(|function| !function["FunctionName"].is_null()).collect()
    }

    /// The mapping that feeds this function from a queue, if it has one.
    pub fn mapping_of(&self, function: &Resource<'_>) -> Option<Resource<'_>> {
        self.of("AWS::Lambda::EventSourceMapping")
            .find(|mapping| short(&mapping["FunctionName"]) == function.id)
    }

    /// What becomes of this function's asynchronous invocations, if it has any.
    pub fn invocations_of(&self, function: &Resource<'_>) -> Option<Resource<'_>> {
        self.of("AWS::Lambda::EventInvokeConfig")
            .find(|config| short(&config["FunctionName"]) == function.id)
    }

    /// The statements of the role of this function, also those under a condition.
    pub fn statements_of(&self, function: &Resource<'_>) -> Vec<&Value> {
        let role = short(&function["Role"]);
        let role = self.get(&role);
        let policies = role.properties["Policies"].as_array();
        let documents = policies.into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
        let statements =
            documents.filter_map(|document| document["Statement"].as_array()).flatten();
        statements
            .map(|statement| statement.get("Fn::If").map_or(statement, |choice| &choice[1]))
            .collect()
    }
}

impl Resource<'_> {
    /// `image-pushed` for the function `ImagePushed`: the end of its name in AWS.
    pub fn name(&self) -> &str {
        let name = self.properties["FunctionName"]["Fn::Sub"].as_str().unwrap_or_default();
        name.strip_prefix("${AWS::StackName}-").unwrap_or(name)
    }

    /// What stands beside the properties: `DeletionPolicy`, `Condition`.
    pub fn attribute(&self, name: &str) -> &Value {
        &self.whole[name]
    }
}

impl std::ops::Index<&str> for Resource<'_> {
    type Output = Value;

    fn index(&self, property: &str) -> &Value {
        &self.properties[property]
    }
}

/// The middle of an ARN that names something of this account and region.
const HERE: &str = ":${AWS::Region}:${AWS::AccountId}:";

/// What a value names, in few words: `Table` for its ARN or its name, `service/x` for a long ARN.
pub fn short(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let Some((function, argument)) = value.as_object().and_then(|object| object.iter().next())
    else {
        return value.to_string();
    };
    match (function.as_str(), argument) {
        ("Ref", Value::String(id)) => id.clone(),
        ("Fn::GetAtt", Value::Array(path)) => short(&path[0]),
        // Where the table is not an existing one.
        ("Fn::If", Value::Array(choice)) if choice[0] == "MakesTable" => short(&choice[1]),
        ("Fn::Sub", Value::String(text)) => match text.split_once(HERE) {
            Some((_, resource)) => resource.to_owned(),
            None => text.clone(),
        },
        _ => value.to_string(),
    }
}

//! CloudFormation's functions: `Ref`, `Fn::Sub`, `Fn::If` and their like, in the long form.

use super::{Place, names};
use crate::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A template with its parameters, ready to answer what a property says.
pub(super) struct Resolver<'a> {
    template: &'a Value,
    parameters: BTreeMap<String, Value>,
    pub(super) place: &'a Place,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        template: &'a Value,
        given: &BTreeMap<String, String>,
        place: &'a Place,
    ) -> Result<Self, Error> {
        let none = Map::new();
        let declared = template.get("Parameters").and_then(Value::as_object).unwrap_or(&none);
        if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
            return Err(Error::template(
                format!("Parameters.{unknown}"),
                "the template has no such parameter",
            ));
        }
        let mut parameters = BTreeMap::new();
        for (name, declaration) in declared {
            parameters.insert(name.clone(), parameter(name, declaration, given.get(name))?);
        }
        Ok(Self { template, parameters, place })
    }

    /// The resources whose condition holds: logical id, type, properties as they are written.
    pub(super) fn resources(&self) -> Result<Vec<(&'a str, &'a str, &'a Value)>, Error> {
        let all = self.template.get("Resources").and_then(Value::as_object);
        let all = all.ok_or_else(|| Error::template("Resources", "a template has resources"))?;
        let mut found = Vec::new();
        for (id, resource) in all {
            if self.exists(id, resource)? {
                found.push((
                    id.as_str(),
                    kind(id, resource)?,
                    resource.get("Properties").unwrap_or(&Value::Null),
                ));
            }
        }
        Ok(found)
    }

    /// What the value at `path` is; nothing where it is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value, path: &str) -> Result<Option<Value>, Error> {
        match value {
            Value::Object(members) => match function(members) {
                Some((name, argument)) => self.call(name, argument, path),
                None => {
                    let mut resolved = Map::new();
                    for (key, member) in members {
                        if let Some(member) = self.resolve(member, &format!("{path}.{key}"))? {
                            resolved.insert(key.clone(), member);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            Value::Array(items) => Ok(Some(Value::Array(self.items(items, path)?))),
            plain => Ok(Some(plain.clone())),
        }
    }

    /// The physical name of a resource.
    pub(super) fn name(&self, id: &str) -> Result<String, Error> {
        let (kind, properties) = self.resource(id, id)?;
        let chosen = names::name_property(kind).and_then(|property| properties.get(property));
        match chosen {
            Some(name) => self.text(name, &format!("{id}.Name")),
            // AWS makes the end up; ours stays the same so that a trace reads the same.
            None => Ok(format!("{}-{id}-SANDBOX", self.place.stack)),
        }
    }

    fn items(&self, items: &[Value], path: &str) -> Result<Vec<Value>, Error> {
        let mut resolved = Vec::new();
        for (index, item) in items.iter().enumerate() {
            resolved.extend(self.resolve(item, &format!("{path}[{index}]"))?);
        }
        Ok(resolved)
    }

    fn call(&self, name: &str, argument: &Value, path: &str) -> Result<Option<Value>, Error> {
        let wrong = |problem: &str| Error::template(path, problem);
        let list = || argument.as_array().ok_or_else(|| wrong(&format!("{name} takes a list")));
        Ok(Some(match name {
            "Ref" if argument == "AWS::NoValue" => return Ok(None),
            "Ref" => {
                self.reference(argument.as_str().ok_or_else(|| wrong("Ref takes a name"))?, path)?
            }
            "Fn::GetAtt" => Value::String(self.attribute(argument, path)?),
            "Fn::Sub" => Value::String(self.substitute(argument, path)?),
            "Fn::Join" => match list()?.as_slice() {
                [Value::String(between), parts] => {
                    Value::String(self.texts(parts, path)?.join(between))
                }
                _ => return Err(wrong("Fn::Join takes a text and a list")),
            },
            "Fn::Split" => match list()?.as_slice() {
                [Value::String(at), text] => self
                    .text(text, path)?
                    .split(at.as_str())
                    .map(|part| Value::String(part.to_owned()))
                    .collect(),
                _ => return Err(wrong("Fn::Split takes a text to split at and a text")),
            },
            "Fn::Select" => match list()?.as_slice() {
                [index, from] => {
                    let index: usize = self
                        .text(index, path)?
                        .parse()
                        .map_err(|_| wrong("Fn::Select takes a number"))?;
                    let texts = self.texts(from, path)?;
                    let found = texts.get(index);
                    Value::String(
                        found.ok_or_else(|| wrong("Fn::Select: the list is shorter"))?.clone(),
                    )
                }
                _ => return Err(wrong("Fn::Select takes a number and a list")),
            },
            "Fn::If" => match list()?.as_slice() {
                [Value::String(condition), yes, no] => {
                    let chosen = if self.holds(condition, path)? { yes } else { no };
                    return self.resolve(chosen, path);
                }
                _ => return Err(wrong("Fn::If takes a condition and two values")),
            },
            "Fn::FindInMap" => match self.texts(argument, path)?.as_slice() {
                [map, first, second] => {
                    let found = self.template.pointer(&format!("/Mappings/{map}/{first}/{second}"));
                    found
                        .ok_or_else(|| {
                            wrong(&format!("there is no {map}.{first}.{second} in Mappings"))
                        })?
                        .clone()
                }
                _ => return Err(wrong("Fn::FindInMap takes three names")),
            },
            other => return Err(wrong(&format!("the sandbox does not know {other}"))),
        }))
    }

    fn reference(&self, name: &str, path: &str) -> Result<Value, Error> {
        let Place { account, region, stack, .. } = self.place;
        let pseudo = match name {
            "AWS::AccountId" => account.clone(),
            "AWS::Region" => region.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::StackName" => stack.clone(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackId" => {
                format!("arn:aws:cloudformation:{region}:{account}:stack/{stack}/sandbox")
            }
            _ => {
                if let Some(value) = self.parameters.get(name) {
                    return Ok(value.clone());
                }
                let (kind, _) = self.resource(name, path)?;
                names::reference(kind, &self.name(name)?, self.place)
            }
        };
        Ok(Value::String(pseudo))
    }

    fn attribute(&self, argument: &Value, path: &str) -> Result<String, Error> {
        let (id, attribute) = match argument {
            Value::String(both) => both.split_once('.'),
            Value::Array(two) => match two.as_slice() {
                [Value::String(id), Value::String(attribute)] => {
                    Some((id.as_str(), attribute.as_str()))
                }
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| Error::template(path, "Fn::GetAtt takes a logical id and an attribute"))?;
        let (kind, _) = self.resource(id, path)?;
        names::attribute(kind, &self.name(id)?, attribute, self.place).ok_or_else(|| {
            Error::template(path, format!("the sandbox knows no attribute {attribute} of {kind}"))
        })
    }

    fn substitute(&self, argument: &Value, path: &str) -> Result<String, Error> {
        let (text, own) = match argument {
            Value::String(text) => (text, None),
            Value::Array(two) => match two.as_slice() {
                [Value::String(text), Value::Object(own)] => (text, Some(own)),
                _ => return Err(Error::template(path, "Fn::Sub takes a text and its variables")),
            },
            _ => return Err(Error::template(path, "Fn::Sub takes a text")),
        };
        let mut done = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| Error::template(path, "Fn::Sub: a `${` has no end"))?;
            done.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                done.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                done.push_str(&self.text(value, path)?);
            } else if name.contains('.') {
                done.push_str(&self.attribute(&Value::String(name.to_owned()), path)?);
            } else {
                done.push_str(&plain(&self.reference(name, path)?, path)?);
            }
            rest = after;
        }
        Ok(done + rest)
    }

    fn text(&self, value: &Value, path: &str) -> Result<String, Error> {
        let resolved = self.resolve(value, path)?;
        plain(
            &resolved.ok_or_else(|| Error::template(path, "a text is needed, not AWS::NoValue"))?,
            path,
        )
    }

    fn texts(&self, value: &Value, path: &str) -> Result<Vec<String>, Error> {
        match self.resolve(value, path)? {
            Some(Value::Array(items)) => items.iter().map(|item| plain(item, path)).collect(),
            _ => Err(Error::template(path, "a list is needed")),
        }
    }

    fn holds(&self, name: &str, path: &str) -> Result<bool, Error> {
        let condition = self.template.get("Conditions").and_then(|all| all.get(name));
        let condition = condition
            .ok_or_else(|| Error::template(path, format!("there is no condition {name}")))?;
        self.truth(condition, &format!("Conditions.{name}"))
    }

    fn truth(&self, condition: &Value, path: &str) -> Result<bool, Error> {
        let wrong = || {
            Error::template(
                path,
                "a condition is Fn::Equals, Fn::Not, Fn::And, Fn::Or or Condition",
            )
        };
        let (name, argument) = condition.as_object().and_then(Map::iter_one).ok_or_else(wrong)?;
        if name == "Condition" {
            return self.holds(argument.as_str().ok_or_else(wrong)?, path);
        }
        let arguments = argument.as_array().ok_or_else(wrong)?;
        let truths =
            || arguments.iter().map(|each| self.truth(each, path)).collect::<Result<Vec<_>, _>>();
        match (name.as_str(), arguments.as_slice()) {
            ("Fn::Equals", [one, other]) => Ok(self.text(one, path)? == self.text(other, path)?),
            ("Fn::Not", [inner]) => Ok(!self.truth(inner, path)?),
            ("Fn::And", _) => Ok(truths()?.iter().all(|truth| *truth)),
            ("Fn::Or", _) => Ok(truths()?.iter().any(|truth| *truth)),
            _ => Err(wrong()),
        }
    }

    fn resource(&self, id: &str, path: &str) -> Result<(&'a str, &'a Value), Error> {
        let resource = self.template.get("Resources").and_then(|all| all.get(id));
        let resource = resource.ok_or_else(|| {
            Error::template(path, format!("there is no parameter or resource {id}"))
        })?;
        if !self.exists(id, resource)? {
            return Err(Error::template(
                path,
                format!("{id} is not there: its condition does not hold"),
            ));
        }
        Ok((kind(id, resource)?, resource.get("Properties").unwrap_or(&Value::Null)))
    }

    fn exists(&self, id: &str, resource: &Value) -> Result<bool, Error> {
        match resource.get("Condition").and_then(Value::as_str) {
            Some(condition) => self.holds(condition, &format!("{id}.Condition")),
            None => Ok(true),
        }
    }
}

/// A map of one member, which is how CloudFormation writes a function.
trait One {
    fn iter_one(&self) -> Option<(&String, &Value)>;
}

impl One for Map<String, Value> {
    fn iter_one(&self) -> Option<(&String, &Value)> {
        if self.len() == 1 { self.iter().next() } else { None }
    }
}

fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter_one()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

fn kind<'a>(id: &str, resource: &'a Value) -> Result<&'a str, Error> {
    let kind = resource.get("Type").and_then(Value::as_str);
    kind.ok_or_else(|| Error::template(id, "a resource has a Type"))
}

fn plain(value: &Value, path: &str) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(Error::template(path, "a text is needed")),
    }
}

fn parameter(name: &str, declaration: &Value, given: Option<&String>) -> Result<Value, Error> {
    let path = format!("Parameters.{name}");
    let text = match (given, declaration.get("Default")) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => plain(default, &path)?,
        (None, None) => return Err(Error::template(path, "it has no default: give it a value")),
    };
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array) {
        let allowed =
            allowed.iter().map(|each| plain(each, &path)).collect::<Result<Vec<_>, _>>()?;
        if !allowed.contains(&text) {
            return Err(Error::template(
                path,
                format!("`{text}` is not one of {}", allowed.join(", ")),
            ));
        }
    }
    let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        return Ok(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect());
    }
    Ok(Value::String(text))
}

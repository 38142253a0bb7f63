//! The shapes of the OpenAPI document as tables: members, types, bounds. It must not know which
//! route uses which shape.

use maud::{Markup, html};
use serde_json::Value;

use super::page::prose;

/// Where every shape has its place.
const PREFIX: &str = "#/components/schemas/";

/// All shapes of a document by name.
pub fn all(document: &Value) -> Vec<(&String, &Value)> {
    let shapes = document["components"]["schemas"].as_object();
    shapes.into_iter().flatten().collect()
}

/// The anchor of a shape.
pub fn anchor(name: &str) -> String {
    format!("shape-{name}")
}

/// The name of the shape that a schema refers to, be it itself, nullable or a list of it.
pub fn named(schema: &Value) -> Option<&str> {
    if let Some(target) = schema["$ref"].as_str() {
        return target.strip_prefix(PREFIX);
    }
    schema["oneOf"].as_array()?.iter().find_map(named)
}

/// The members of an object as a table.
pub fn members(schema: &Value) -> Markup {
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(parts) => parts.iter().collect(),
        None => vec![schema],
    };
    let rows = parts.iter().flat_map(|part| {
        let members = part["properties"].as_object().into_iter().flatten();
        members.map(move |(name, member)| (name, member, is_required(part, name)))
    });
    html! {
        div.scroll { table.members {
            thead { tr { th { "Member" } th { "Type" } th { "Meaning" } } }
            tbody {
                @for (name, member, required) in rows {
                    tr {
                        td { code { (name) } @if required { " " span.required { "required" } } }
                        td { (kind(member)) }
                        td { (meaning(member)) }
                    }
                }
            }
        } }
    }
}

fn is_required(object: &Value, name: &str) -> bool {
    let required = object["required"].as_array().into_iter().flatten();
    let mut required = required.filter_map(Value::as_str);
    required.any(|required| required == name)
}

/// What a value is: a plain type, a list, or a link to a shape.
pub fn kind(schema: &Value) -> Markup {
    if let Some(name) = named(schema) {
        return html! { a href=(format!("#{}", anchor(name))) { (name) } };
    }
    let plain = match schema["type"].as_array() {
        Some(types) => types.iter().find_map(|one| one.as_str().filter(not_null)),
        None => schema["type"].as_str(),
    };
    match plain {
        Some("array") => html! { "list of " (kind(&schema["items"])) },
        Some("object") if schema["additionalProperties"]["type"].is_string() => {
            html! { "object of " (kind(&schema["additionalProperties"])) }
        }
        Some("string") if schema["format"] == "date-time" => html! { "time" },
        Some("string") => html! { "text" },
        Some("integer") => html! { "whole number" },
        Some("boolean") => html! { "true or false" },
        Some(other) => html! { (other) },
        None => html! { "any value" },
    }
}

fn not_null(kind: &&str) -> bool {
    *kind != "null"
}

/// The words about a value, then its bounds.
pub fn meaning(schema: &Value) -> Markup {
    let bounds = bounds(schema).join(", ");
    let described = schema["description"].as_str().unwrap_or_default();
    html! {
        (prose(described))
        @if !bounds.is_empty() { " " span.bounds { (bounds) } }
    }
}

fn bounds(schema: &Value) -> Vec<String> {
    let told = |name: &str, say: &str| {
        let value = schema.get(name)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(format!("{say} {text}"))
    };
    let length = |least: &str, most: &str, unit: &str| match (&schema[least], &schema[most]) {
        (Value::Null, Value::Null) => None,
        (Value::Null, most) => Some(format!("at most {most} {unit}")),
        (least, Value::Null) => Some(format!("at least {least} {unit}")),
        (least, most) => Some(format!("{least} to {most} {unit}")),
    };
    let zero = schema["minimum"] == 0;
    let found = [
        length("minLength", "maxLength", "characters"),
        length("minItems", "maxItems", "entries"),
        told("minimum", "at least").filter(|_| !zero),
        told("maximum", "at most"),
        told("default", "default"),
        told("example", "such as"),
    ];
    found.into_iter().flatten().collect()
}

//! `docs/api.md`: the description of the daemon's calls (OpenAPI) as people read it.

use std::fmt::Write as _;

use serde_json::Value;

/// The whole page.
pub(crate) fn page(api: &Value) -> String {
    let mut page = String::from(
        "# The daemon's calls\n\nMade from `src/api/v1` and `src/backend/routes` by `make review`; do not edit. \
         `openapi.json` says the same for programs, and so does `GET /api/openapi.json`.\n\n",
    );
    page.push_str(text(&api["info"]["description"]));
    let _ = write!(
        page,
        "\n## Calls\n\nVersion {}.\n",
        text(&api["info"]["version"])
    );
    for tag in ["starred", "more"] {
        for (path, method, call) in calls(api) {
            if call["tags"][0] == tag {
                describe(&mut page, path, method, call);
            }
        }
    }
    page.push_str("\n## Types\n");
    for (name, schema) in members(&api["components"]["schemas"]) {
        let about = text(&schema["description"])
            .replace("[`", "`")
            .replace("`]", "`");
        let _ = writeln!(page, "\n### {name}\n\n{}\n", about.trim());
        fields(&mut page, schema);
    }
    page
}

fn calls(api: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = members(&api["paths"]);
    paths.flat_map(|(path, methods)| {
        members(methods).map(move |(method, call)| (path, method, call))
    })
}

fn describe(page: &mut String, path: &str, method: &str, call: &Value) {
    let star = if call["tags"][0] == "starred" {
        "\\*"
    } else {
        ""
    };
    let _ = writeln!(page, "\n### {star}{} `{path}`\n", method.to_uppercase());
    let (summary, more) = (text(&call["summary"]), text(&call["description"]));
    let _ = writeln!(page, "{}\n", format!("{summary} {more}").trim());
    for parameter in items(&call["parameters"]) {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let _ = writeln!(
            page,
            "* {place} `{name}`: {}",
            line(&parameter["description"])
        );
    }
    if let Some((_, content)) = members(&call["requestBody"]["content"]).next() {
        let _ = writeln!(page, "* body: {}", kind(&content["schema"]));
    }
    for (status, response) in members(&call["responses"]) {
        if status == "default" {
            continue;
        }
        let body = members(&response["content"]).next();
        let body = body.map(|(media, content)| match media {
            "application/json" => format!(": {}", kind(&content["schema"])),
            media => format!(", {media}: {}", kind(&content["schema"])),
        });
        let (what, body) = (line(&response["description"]), body.unwrap_or_default());
        let _ = writeln!(page, "* {status}: {what}{body}");
    }
}

/// What there is to tell of a type: its members, its words, or what it can be.
fn fields(page: &mut String, schema: &Value) {
    let required: Vec<&str> = items(&schema["required"]).map(text).collect();
    for (name, field) in members(&schema["properties"]) {
        let optional = if required.contains(&name) {
            ""
        } else {
            ", optional"
        };
        let about = line(&field["description"]);
        let _ = writeln!(page, "* `{name}` ({}{optional}): {about}", kind(field));
    }
    for word in items(&schema["enum"]) {
        let _ = writeln!(page, "* `{}`", text(word));
    }
    for variant in items(&schema["oneOf"]).chain(items(&schema["allOf"])) {
        let about = line(&variant["description"]);
        let _ = writeln!(page, "* {about} {}", kind(variant));
        for (name, field) in members(&variant["properties"]) {
            let _ = writeln!(
                page,
                "  * `{name}` ({}): {}",
                kind(field),
                line(&field["description"])
            );
        }
    }
}

/// A type in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", text(word)))
            .collect();
        return words.join(", ");
    }
    let parts: Vec<String> = ["oneOf", "allOf"]
        .iter()
        .flat_map(|of| items(&schema[*of]))
        .map(kind)
        .filter(|kind| kind != "null")
        .collect();
    if !parts.is_empty() {
        return parts.join(" and ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().map(text).collect();
            names.join(" or ")
        }
        _ => "any JSON".to_owned(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text on one line, without what rustdoc would make links of.
fn line(value: &Value) -> String {
    let text = text(value).split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("[`", "`").replace("`]", "`")
}

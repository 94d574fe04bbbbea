//! A description, ready to check answers against.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, Method, StatusCode, header};
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Breach,
    deviation::{Deviation, failing_half},
    schema::{Converter, OPEN, resolve},
};

/// A description of the API.
pub(super) struct Description {
    name: &'static str,
    /// The path of the server.
    prefix: String,
    operations: Vec<Operation>,
    /// What it was not held to.
    pub(super) deviations: BTreeSet<Deviation>,
}

struct Operation {
    /// Method and path.
    name: String,
    method: Method,
    path: Vec<String>,
    responses: BTreeMap<String, Response>,
}

struct Response {
    place: String,
    headers: Vec<Header>,
    /// By media type; what is not JSON has no validator.
    content: BTreeMap<String, Option<Validator>>,
}

struct Header {
    name: String,
    place: String,
    required: bool,
    is_integer: bool,
    validator: Validator,
}

impl Description {
    /// Reads a description. A `strict` one has all the fields that there are.
    pub(super) fn new(name: &'static str, document: &Value, strict: bool) -> Result<Self, String> {
        let converter = Converter { document, strict };
        let reader = Reader {
            document,
            ground: converter.components()?,
            converter,
        };
        let server = document["servers"][0]["url"].as_str().unwrap_or_default();
        let server = Url::parse(server).map_err(|it| format!("/servers/0/url: {it}"))?;
        let mut description = Self {
            name,
            prefix: server.path().trim_end_matches('/').to_owned(),
            operations: Vec::new(),
            deviations: BTreeSet::new(),
        };
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let place = format!("#/paths/{}/{method}", path.replace('/', "~1"));
                let method = Method::from_bytes(method.to_uppercase().as_bytes())
                    .map_err(|_| format!("{place} is no operation"))?;
                let mut responses = BTreeMap::new();
                for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                    let place = format!("{place}/responses/{status}");
                    let response =
                        reader.response(status, response, place, &mut description.deviations)?;
                    responses.insert(status.clone(), response);
                }
                if is_download(&responses) {
                    description.deviations.insert(Deviation::PartialContent);
                }
                description.operations.push(Operation {
                    name: format!("{method} {path}"),
                    method,
                    path: path.split('/').map(str::to_owned).collect(),
                    responses,
                });
            }
        }
        Ok(description)
    }

    /// Everything about an answer that does not hold.
    pub(super) fn check(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Vec<Breach> {
        let Some(path) = path
            .strip_prefix(&self.prefix)
            .filter(|it| it.starts_with('/'))
        else {
            return Vec::new();
        };
        // An answer to HEAD is one to GET whose body may be left out.
        let is_head = method == Method::HEAD;
        let method = if is_head { &Method::GET } else { method };
        let body = Some(body).filter(|it| !(is_head && it.is_empty()));
        let mut found = Findings {
            description: self.name,
            operation: "what is no operation".to_owned(),
            status,
            breaches: Vec::new(),
        };
        match self.operation(method, path) {
            Some(operation) => {
                found.operation.clone_from(&operation.name);
                if let Some(response) = operation.response(status, headers) {
                    found.headers(response, headers);
                    found.body(response, headers, body);
                } else {
                    found.breach("the status is not described", "the status", "");
                }
            }
            None if media_type(headers).is_some_and(|it| it == "application/json") => {
                if !status.is_client_error() && !status.is_server_error() {
                    found.breach("there is no such operation", "the status", "");
                }
                let mut failure = self.operations.iter();
                let failure = failure.find_map(|it| it.responses.get("default"));
                if let Some(failure) = failure {
                    found.headers(failure, headers);
                    found.body(failure, headers, body);
                }
            }
            None => {}
        }
        found.breaches
    }

    /// The operation at a path: where several fit, the one whose path has a word where the others have a parameter.
    fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let words: Vec<_> = path.split('/').collect();
        let fitting = self.operations.iter().filter(|it| it.fits(&words));
        let parameters = |it: &Operation| -> Vec<bool> {
            it.path.iter().map(|word| word.starts_with('{')).collect()
        };
        let best = fitting.clone().map(parameters).min()?;
        fitting
            .filter(|it| parameters(it) == best)
            .find(|it| it.method == method)
    }
}

impl Operation {
    fn fits(&self, words: &[&str]) -> bool {
        let mut pairs = self.path.iter().zip(words);
        self.path.len() == words.len()
            && pairs.all(|(ours, word)| ours == word || (ours.starts_with('{') && !word.is_empty()))
    }

    /// What is said of a status: `default` is said of failures.
    fn response(&self, status: StatusCode, headers: &HeaderMap) -> Option<&Response> {
        let class = format!("{}XX", status.as_u16() / 100);
        let listed = self.responses.get(status.as_str());
        let listed = listed.or_else(|| self.responses.get(&class));
        if listed.is_some() {
            return listed;
        }
        if status == StatusCode::PARTIAL_CONTENT
            && headers.contains_key(header::CONTENT_RANGE)
            && is_download(&self.responses)
        {
            return self.responses.get("200");
        }
        let is_failure = status.is_client_error() || status.is_server_error();
        self.responses.get("default").filter(|_| is_failure)
    }
}

/// Whether a success is bytes, and a part of them is not spoken of.
fn is_download(responses: &BTreeMap<String, Response>) -> bool {
    let whole = responses.get("200");
    whole.is_some_and(|it| it.content.values().any(Option::is_none))
        && !responses.contains_key("206")
        && !responses.contains_key("2XX")
}

/// Reads parts of a description.
struct Reader<'a> {
    document: &'a Value,
    converter: Converter<'a>,
    /// What references lead to.
    ground: Map<String, Value>,
}

impl Reader<'_> {
    fn response(
        &self,
        status: &str,
        response: &Value,
        place: String,
        deviations: &mut BTreeSet<Deviation>,
    ) -> Result<Response, String> {
        let is_failure = status == "default" || status.starts_with(['4', '5']);
        let mut content = BTreeMap::new();
        for (media, body) in response["content"].as_object().into_iter().flatten() {
            let place = format!("{place}/content/{}/schema", media.replace('/', "~1"));
            let mut schema = body.get("schema").cloned().unwrap_or_else(|| json!({}));
            if is_failure && let Some(half) = failing_half(&schema, self.document) {
                deviations.insert(Deviation::ContradictingFailure);
                schema = half;
            }
            let validator = if media == "application/json" {
                Some(self.validator(&schema, &place)?)
            } else {
                None
            };
            content.insert(media.clone(), validator);
        }
        let mut headers = Vec::new();
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let place = match header["$ref"].as_str() {
                Some(place) => place.to_owned(),
                None => format!("{place}/headers/{name}"),
            };
            let header = resolve(header, self.document);
            headers.push(Header {
                name: name.clone(),
                required: header["required"] == true,
                is_integer: header["schema"]["type"] == "integer",
                validator: self.validator(&header["schema"], &place)?,
                place,
            });
        }
        Ok(Response {
            place,
            headers,
            content,
        })
    }

    fn validator(&self, schema: &Value, place: &str) -> Result<Validator, String> {
        let mut root = self.ground.clone();
        let schema = self.converter.convert(schema, place, true)?;
        root.extend(schema.as_object().cloned().into_iter().flatten());
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&root.into())
            .map_err(|it| format!("{place}: {}", it.masked()))
    }
}

/// What is found about one answer.
struct Findings {
    description: &'static str,
    operation: String,
    status: StatusCode,
    breaches: Vec<Breach>,
}

impl Findings {
    fn breach(&mut self, what: impl Into<String>, place: impl Into<String>, schema: &str) {
        self.breaches.push(Breach {
            description: self.description,
            operation: self.operation.clone(),
            status: self.status.as_u16(),
            what: what.into(),
            place: place.into(),
            schema: schema.to_owned(),
        });
    }

    fn headers(&mut self, response: &Response, headers: &HeaderMap) {
        for header in &response.headers {
            let place = format!("the header {}", header.name);
            if header.required && !headers.contains_key(&header.name) {
                self.breach("it is required, and absent", &place, &header.place);
            }
            for value in headers.get_all(&header.name) {
                let Ok(text) = value.to_str() else {
                    self.breach("it is no text", &place, &header.place);
                    continue;
                };
                let number = text.parse::<i64>().ok().filter(|_| header.is_integer);
                let value = number.map_or_else(|| Value::from(text), Value::from);
                self.value(&header.validator, &value, &place, &header.place);
            }
        }
    }

    /// Without a body there is still its media type.
    fn body(&mut self, response: &Response, headers: &HeaderMap, body: Option<&[u8]>) {
        let media = media_type(headers);
        if response.content.is_empty() {
            if body.is_some_and(|it| !it.is_empty()) || media.is_some() {
                self.breach("no body is described", "the body", &response.place);
            }
            return;
        }
        let Some(validator) = media.and_then(|it| response.content.get(&it)) else {
            let known: Vec<_> = response.content.keys().map(String::as_str).collect();
            let what = format!("the media type is not {}", known.join(" or "));
            self.breach(what, "the header Content-Type", &response.place);
            return;
        };
        let (Some(validator), Some(body)) = (validator, body) else {
            return;
        };
        match serde_json::from_slice(body) {
            Ok(value) => self.value(validator, &value, "the body", &response.place),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let what = format!("it is not JSON, from line {line}, column {column}");
                self.breach(what, "the body", &response.place);
            }
        }
    }

    fn value(&mut self, validator: &Validator, value: &Value, place: &str, schema: &str) {
        let errors: Vec<_> = validator.iter_errors(value).collect();
        let is_extra = |it: &ValidationError| {
            matches!(it.kind(), ValidationErrorKind::UnevaluatedProperties { .. })
        };
        // Where something else is wrong in an object, or below it, none of what it has counts as described.
        let follows = |it: &ValidationError| {
            let place = it.instance_path().as_str();
            let mut others = errors.iter().filter(|it| !is_extra(it));
            is_extra(it) && others.any(|it| it.instance_path().as_str().starts_with(place))
        };
        for error in errors.iter().filter(|it| !follows(it)) {
            let path = error.instance_path().as_str();
            let place = match path {
                "" => place.to_owned(),
                path => format!("{place}, {path}"),
            };
            let keyword = error.schema_path().as_str();
            let open = format!("/{OPEN}/");
            let schema = if let Some(rest) = keyword.strip_prefix(&open) {
                format!("#/components/schemas/{rest}")
            } else if keyword.starts_with("/components/") {
                format!("#{keyword}")
            } else {
                format!("{schema}, {keyword}")
            };
            self.breach(error.masked().to_string(), place, &schema);
        }
    }
}

/// The media type of a body, without its parameters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (essence, _) = value.split_once(';').unwrap_or((value, ""));
    Some(essence.trim().to_ascii_lowercase())
}

//! What is traced of each operation.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use pcaps_sim::faults::{Fault, Operation};
use serde_json::Value;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    registry,
};

use crate::{stage::Stage, support::root};

/// Remembers the fields of each span of ours.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<u64, BTreeMap<&'static str, String>>>>);

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if span.metadata().target().starts_with("pcaps") {
            let mut fields = Fields::default();
            span.record(&mut fields);
            self.0.lock().unwrap().insert(id.into_u64(), fields.0);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            span.extend(fields.0);
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// Method and path of each operation, by its id, as the description has them.
fn described() -> BTreeMap<String, (String, String)> {
    let text = std::fs::read(root().join("spec/pcaps.json")).unwrap();
    let description: Value = serde_json::from_slice(&text).unwrap();
    let mut operations = BTreeMap::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                operations.insert(id.to_owned(), (method.to_uppercase(), path.clone()));
            }
        }
    }
    operations
}

#[tokio::test]
async fn every_operation_has_a_span() {
    let described = described();
    assert_eq!(described.len(), Operation::ALL.len());
    for operation in Operation::ALL {
        let stage = Stage::set(operation).await;
        let busy = Fault::answer(429, "text/plain", "later")
            .header("retry-after", "5")
            .unseen();
        stage.server.next(operation, busy);
        let spans = Spans::default();
        let guard = tracing::subscriber::set_default(registry().with(spans.clone()));
        stage.perform(operation).await.unwrap();
        drop(guard);
        let spans = spans.0.lock().unwrap();
        assert_eq!(spans.len(), 1, "{operation:?}");
        let span = spans.values().next().unwrap();
        let (method, path) = &described[operation.as_str()];
        let field = |name: &str| span.get(name).map(String::as_str);
        assert_eq!(field("operation"), Some(operation.as_str()));
        assert_eq!(field("http.request.method"), Some(method.as_str()));
        assert_eq!(field("url.template"), Some(path.as_str()));
        assert_eq!(field("attempt"), Some("2"), "{operation:?}");
        let status = field("http.response.status_code").unwrap();
        assert!(matches!(status, "200" | "204"), "{operation:?}: {status}");
        // What the service asked for, and the policy's pause.
        assert_eq!(field("duration_ms"), Some("5500"));
        assert_eq!(field("error"), None);
    }
}

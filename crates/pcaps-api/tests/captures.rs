//! Whatever the service makes of a capture, decoding and encoding give it back.
//!
//! The fields and their types are those of `spec/pcaps.json`, so that a new one is tested as soon as it is there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pcaps_api::{Capture, CaptureRequest, types::CaptureListEnvelope};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Number, Value, json};

/// Up to here a float holds every integer.
const EXACT: i64 = 1 << 53;

/// Up to here `serde_json` reads a float like `80.0` to the last digit: it begins with all of its digits, here 800.
const PRECISE: i64 = EXACT / 10;

/// What a field that the description lists may hold, apart from null.
#[derive(Clone, Debug)]
enum Kind {
    Text,
    /// Text, of which these are known.
    Open(Vec<String>),
    Integer,
    Object(Shape),
}

/// The fields that the description lists, by name.
type Shape = BTreeMap<String, Kind>;

static SIMPLE: LazyLock<Shape> = LazyLock::new(|| shape("SimpleCapture"));
static FULL: LazyLock<Shape> = LazyLock::new(|| shape("FullCapture"));
static FILTER: LazyLock<Shape> = LazyLock::new(|| shape("Filter"));

/// The shape of a component of the description, without `type`, which tells the shapes apart.
fn shape(component: &str) -> Shape {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/pcaps.json");
    let text = std::fs::read_to_string(path).unwrap();
    let spec: Value = serde_json::from_str(&text).unwrap();
    let mut shape = fields(&spec, &spec["components"]["schemas"][component]);
    shape.remove("type");
    shape
}

fn fields(spec: &Value, schema: &Value) -> Shape {
    let properties = schema["properties"].as_object().unwrap();
    let kinds = properties.iter().map(|(name, schema)| {
        let schema = match schema["$ref"].as_str() {
            Some(place) => spec.pointer(place.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        let kind = match (schema["type"].as_str(), schema["enum"].as_array()) {
            (Some("string"), None) => Kind::Text,
            (Some("string"), Some(values)) => {
                let values = values.iter().filter_map(Value::as_str);
                Kind::Open(values.map(str::to_owned).collect())
            }
            (Some("integer"), None) => Kind::Integer,
            (Some("object"), None) => Kind::Object(fields(spec, schema)),
            other => panic!("{name} is {other:?}: teach it to this test"),
        };
        (name.clone(), kind)
    });
    kinds.collect()
}

/// What decoding and encoding make of a number in a field for integers; `None` if it is none.
fn integer(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|it| it.fract() == 0.0)?;
        #[expect(clippy::cast_precision_loss, reason = "2^53 has an exact float")]
        let exact = float.abs() <= EXACT as f64;
        #[expect(clippy::cast_possible_truncation, reason = "exact")]
        exact.then_some(float as i64)
    })
}

/// What decoding and encoding make of an object: a known field that is null goes, an integer is written as one,
/// everything else stays. `None` if a known field is of another type.
fn expected(shape: &Shape, object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    for (name, value) in object {
        let value = match (shape.get(name), value) {
            (None, any) => any.clone(),
            (Some(_), Value::Null) => continue,
            (Some(Kind::Text | Kind::Open(_)), Value::String(_)) => value.clone(),
            (Some(Kind::Integer), Value::Number(number)) => integer(number)?.into(),
            (Some(Kind::Object(shape)), Value::Object(object)) => expected(shape, object)?.into(),
            _ => return None,
        };
        out.insert(name.clone(), value);
    }
    Some(out)
}

/// What decoding and encoding make of a capture: `None` if nothing, because it is not of a shape that is known.
fn expected_capture(capture: &Value) -> Option<Value> {
    let shape = match capture.get("type")?.as_str()? {
        "simple" => &*SIMPLE,
        "full" => &*FULL,
        _ => return None,
    };
    expected(shape, capture.as_object()?).map(Value::Object)
}

/// The rule: a capture that is known becomes what is expected, another one stays what it is.
fn survives(capture: &Value) {
    let expected = expected_capture(capture);
    let decoded: Capture = serde_json::from_str(&capture.to_string()).unwrap();
    let kind = match decoded {
        Capture::Simple(_) => Some("simple"),
        Capture::Full(_) => Some("full"),
        _ => None,
    };
    let encoded = serde_json::to_value(&decoded).unwrap();
    assert_eq!(encoded, *expected.as_ref().unwrap_or(capture));
    assert_eq!(kind, expected.as_ref().and_then(|it| it["type"].as_str()));
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..100_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        select(vec![0.0, -0.0, 80.0, 80.5, -1.25, 1e300]).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name(), inner, 0..4).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let known = [
        "",
        "2022-06-02T18:38:22.269047Z",
        "simple",
        "full",
        "ORD",
        "80",
    ];
    prop_oneof![
        select(known.map(str::to_owned).to_vec()),
        any::<String>(),
        "[a-z_]{1,12}"
    ]
}

/// Names of fields: those of every shape, and others.
fn name() -> impl Strategy<Value = String> {
    let known = SIMPLE.keys().chain(FULL.keys()).chain(FILTER.keys());
    let known = known
        .cloned()
        .chain(["type".to_owned()])
        .collect::<Vec<_>>();
    prop_oneof![1 => select(known), 2 => text()]
}

/// What a field of this kind may hold, apart from null.
fn sound(kind: &Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => text().prop_map(Value::from).boxed(),
        Kind::Open(values) => prop_oneof![select(values.clone()), text()]
            .prop_map(Value::from)
            .boxed(),
        #[expect(clippy::cast_precision_loss, reason = "exact")]
        Kind::Integer => prop_oneof![
            (0..100_000_i64).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (0..100_000_i64).prop_map(|it| Value::from(it as f64)),
            (-PRECISE..=PRECISE).prop_map(|it| Value::from(it as f64)),
        ]
        .boxed(),
        Kind::Object(shape) => object(shape).prop_map(Value::from).boxed(),
    }
}

/// An object of this shape: known fields there, null or missing, and unknown ones.
fn object(shape: &Shape) -> BoxedStrategy<Map<String, Value>> {
    let known: Vec<_> = shape
        .iter()
        .map(|(name, kind)| {
            let value = prop_oneof![
                1 => Just(None),
                1 => Just(Some(Value::Null)),
                3 => sound(kind).prop_map(Some),
            ];
            (Just(name.clone()), value)
        })
        .collect();
    let names = shape.clone();
    let unknown = btree_map(name(), any_json(), 0..4).prop_map(move |mut it| {
        it.retain(|name, _| !names.contains_key(name));
        it
    });
    (known, unknown)
        .prop_map(|(known, unknown)| {
            let known = known.into_iter().filter_map(|(name, it)| Some((name, it?)));
            unknown.into_iter().chain(known).collect()
        })
        .boxed()
}

/// A capture as the vendor describes it, and more.
fn known() -> impl Strategy<Value = Map<String, Value>> {
    let of = |name: &'static str, shape: &Shape| {
        object(shape).prop_map(move |mut it| {
            it.insert("type".to_owned(), name.into());
            it
        })
    };
    prop_oneof![of("simple", &SIMPLE), of("full", &FULL)]
}

/// What does not fit a field of this kind.
fn unsound(kind: &Kind) -> BoxedStrategy<Value> {
    let only = Shape::from([("it".to_owned(), kind.clone())]);
    let near = match kind {
        Kind::Text => vec![json!(["text"]), json!(80)],
        Kind::Open(values) => {
            let value = &values[0];
            vec![json!([value]), json!({ value: null }), json!(0)]
        }
        Kind::Integer => vec![json!("80"), json!(80.5), json!(u64::MAX)],
        Kind::Object(shape) => vec![json!(vec![Value::Null; shape.len()]), json!("")],
    };
    prop_oneof![select(near), any_json()]
        .prop_filter("it fits", move |it| {
            let object = [("it".to_owned(), it.clone())].into_iter().collect();
            expected(&only, &object).is_none()
        })
        .boxed()
}

/// A capture of which one field does not fit, at the top or in the filter.
fn wrong() -> impl Strategy<Value = Value> {
    let of = |name: &'static str, shape: &Shape| {
        let at_top = shape
            .iter()
            .map(|(field, kind)| (vec![field.clone()], kind));
        let within = shape.iter().filter_map(|(field, kind)| match kind {
            Kind::Object(shape) => Some((field, shape)),
            _ => None,
        });
        let within = within.flat_map(|(field, shape)| {
            shape
                .iter()
                .map(move |(inner, kind)| (vec![field.clone(), inner.clone()], kind))
        });
        let places: Vec<_> = at_top
            .chain(within)
            .map(|(path, kind)| (path, kind.clone()))
            .collect();
        let wrong = select(places).prop_flat_map(|(path, kind)| (Just(path), unsound(&kind)));
        (object(shape), wrong).prop_map(move |(object, (path, wrong))| {
            let mut capture = Value::Object(object);
            capture["type"] = name.into();
            match &*path {
                [field] => capture[field] = wrong,
                [field, inner] => {
                    if !capture[field].is_object() {
                        capture[field] = json!({});
                    }
                    capture[field][inner] = wrong;
                }
                _ => {}
            }
            capture
        })
    };
    prop_oneof![of("simple", &SIMPLE), of("full", &FULL)]
}

/// A capture of a type that is not known, or that is no type, or anything else.
fn odd() -> impl Strategy<Value = Value> {
    let tag = prop_oneof![
        Just(None),
        select(vec!["Full", "SIMPLE", "simple ", "other"]).prop_map(|it| Some(it.into())),
        // Not the first and the second of the types.
        select(vec![json!(0), json!(1), json!({ "full": null })]).prop_map(Some),
        any_json().prop_map(Some),
    ];
    let typed = (known(), tag).prop_map(|(mut capture, tag)| {
        capture.remove("type");
        capture.extend(tag.map(|it| ("type".to_owned(), it)));
        Value::Object(capture)
    });
    prop_oneof![3 => typed, 1 => any_json()].prop_filter("it is known", |it| {
        !matches!(it["type"].as_str(), Some("simple" | "full"))
    })
}

/// A request has no `Other`: what is none of the types is refused, in words that quote nothing.
#[test]
fn a_request_is_told_by_the_text_of_its_type() {
    let decode = |of: Value| serde_json::from_value::<CaptureRequest>(of);
    let fields = json!({"packet_limit": 1, "system": "magic-transit", "time_limit": 1});
    let request = |of: Value| {
        let mut request = fields.clone();
        request["type"] = of;
        request
    };
    assert!(matches!(
        decode(request(json!("simple"))),
        Ok(CaptureRequest::Simple(_))
    ));
    let more = [json!(["simple", 1, "magic-transit", 1]), fields.clone()];
    for odd in [json!(0), json!(1), json!("Simple"), json!(null)]
        .map(request)
        .into_iter()
        .chain(more)
    {
        let error = decode(odd.clone()).unwrap_err().to_string();
        assert_eq!(error, "expected `type` to be `full` or `simple`", "{odd}");
    }
    let error = decode(json!({"type": "simple"})).unwrap_err().to_string();
    assert_eq!(error, "missing field `packet_limit`");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_capture_survives(capture in known()) {
        let capture = Value::Object(capture);
        assert!(expected_capture(&capture).is_some());
        survives(&capture);
    }

    #[test]
    fn a_field_of_another_type_leaves_the_capture_as_it_is(capture in wrong()) {
        assert!(expected_capture(&capture).is_none());
        survives(&capture);
    }

    #[test]
    fn a_capture_of_another_type_stays_as_it_is(capture in odd()) {
        survives(&capture);
    }

    #[test]
    fn a_list_of_captures_survives(
        captures in vec(prop_oneof![known().prop_map(Value::Object), wrong(), odd()], 0..5),
        mut more in btree_map(text(), any_json(), 0..3),
        messages in vec(any_json(), 0..3),
    ) {
        let info = json!({"count": captures.len(), "page": 1.0, "pages": null});
        let fixed = [("success", json!(true)), ("errors", json!([])), ("messages", json!(messages)), ("result_info", info)];
        more.extend(fixed.map(|(name, it)| (name.to_owned(), it)));
        let mut envelope: Map<String, Value> = more.into_iter().collect();
        envelope.insert("result".to_owned(), captures.clone().into());

        let text = Value::Object(envelope.clone()).to_string();
        let decoded: CaptureListEnvelope = serde_json::from_str(&text).unwrap();
        let encoded = serde_json::to_value(&decoded).unwrap();

        let captures = captures.into_iter().map(|it| expected_capture(&it).unwrap_or(it));
        envelope.insert("result".to_owned(), captures.collect());
        envelope["result_info"]["page"] = json!(1);
        assert_eq!(encoded, Value::Object(envelope));
    }
}

//! What holds of every generated file, whatever the description: nothing in it can panic, and its documentation is the
//! description's, whole and in lines of one width.

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use syn::{
    Attribute, Expr, File, ImplItem, Item, Token,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};
use xtask::{
    generate::GENERATED,
    json::{operations, referenced, schemas},
    lower,
};

use crate::support::root;

/// The width of documentation, the space that follows `///` included. Only a word that is longer exceeds it.
const WIDTH: usize = 100;

fn files() -> BTreeMap<String, File> {
    let files = fs::read_dir(root().join(GENERATED)).unwrap();
    files
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension().is_some_and(|it| it == "rs")
        })
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, syn::parse_file(&text).unwrap())
        })
        .collect()
}

/// Collects what can panic.
#[derive(Default)]
struct Panics(Vec<String>);

impl Panics {
    fn found(&mut self, expression: &Expr) {
        let mut file: File = syn::parse_quote!(
            const _: () = it;
        );
        if let Item::Const(it) = &mut file.items[0] {
            *it.expr = expression.clone();
        }
        let text = prettyplease::unparse(&file);
        let text = text.trim().trim_start_matches("const _: () = ");
        self.0.push(text.trim_end_matches(';').to_owned());
    }
}

impl VisitMut for Panics {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        let panics = match &*expression {
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                ["unwrap", "unwrap_err", "expect", "expect_err"].contains(&name.as_str())
            }
            // `Option::unwrap`, called or handed on.
            Expr::Path(it) => {
                let last = it.path.segments.last().unwrap();
                it.path.segments.len() > 1 && (last.ident == "unwrap" || last.ident == "expect")
            }
            Expr::Index(_) => true,
            _ => false,
        };
        if panics {
            self.found(expression);
        }
        visit_mut::visit_expr_mut(self, expression);
    }

    fn visit_macro_mut(&mut self, it: &mut syn::Macro) {
        const PANIC: [&str; 8] = [
            "assert",
            "assert_eq",
            "assert_ne",
            "debug_assert",
            "panic",
            "todo",
            "unimplemented",
            "unreachable",
        ];
        let name = it.path.segments.last().unwrap().ident.to_string();
        if PANIC.contains(&name.as_str()) {
            self.0.push(format!("{name}!"));
        }
        // What a macro is given is expressions, in generated code; what is not is looked at by a person.
        match it.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            Ok(mut arguments) => arguments.iter_mut().for_each(|it| self.visit_expr_mut(it)),
            Err(_) => self
                .0
                .push(format!("{name}! of what is no list of expressions")),
        }
    }
}

fn panics(mut file: File) -> Vec<String> {
    let mut panics = Panics::default();
    panics.visit_file_mut(&mut file);
    panics.0
}

#[test]
fn nothing_in_generated_code_can_panic() {
    let mut found = Vec::new();
    for (name, file) in files() {
        found.extend(
            panics(file)
                .into_iter()
                .map(|text| format!("{name}: {text}")),
        );
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn what_can_panic_is_seen() {
    for code in [
        "it.unwrap()",
        "f(|| { it.ok().expect(\"it\") })",
        "list.map(Option::unwrap)",
        "list[0].field",
        "unreachable!()",
        "std::panic!(\"no\")",
        "format!(\"{}\", list[0])",
        "vec![0; it.unwrap()]",
    ] {
        let file = syn::parse_file(&format!("fn it() {{ {code} }}")).unwrap();
        assert!(!panics(file).is_empty(), "{code}");
    }
    assert!(panics(syn::parse_file("fn it() { it.unwrap_or(1) }").unwrap()).is_empty());
}

/// The lines of an item's documentation.
fn doc(attributes: &[Attribute]) -> Vec<String> {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(line),
                    ..
                }) => Some(line.value()),
                _ => panic!("documentation that is not text"),
            },
            _ => None,
        });
    lines.collect()
}

/// Collects lines of documentation that are not as they should be.
#[derive(Default)]
struct Lines {
    seen: usize,
    wrong: Vec<String>,
}

impl VisitMut for Lines {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        for line in doc(attributes) {
            self.seen += 1;
            let is_word = !line.trim_start().contains(char::is_whitespace);
            let is_line = line.is_empty() || (line.starts_with(' ') && !line.contains('\n'));
            if !is_line || (line.chars().count() > WIDTH && !is_word) {
                self.wrong.push(line);
            }
        }
    }
}

#[test]
fn documentation_is_in_lines_of_one_width() {
    for (name, mut file) in files() {
        let mut lines = Lines::default();
        lines.visit_file_mut(&mut file);
        assert!(lines.wrong.is_empty(), "{name}: {:#?}", lines.wrong);
        assert!(
            lines.seen > 0 || name == "mod.rs",
            "{name} has no documentation"
        );
    }
}

/// Letters and digits: what wrapping and escaping leave as they are.
fn letters(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).collect()
}

/// The documentation of everything public that a description documents, by name: `Type`, `Type.field`, `operation`.
fn documentation(files: &BTreeMap<String, File>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |name: String, attributes: &[Attribute]| {
        found.insert(name, letters(&doc(attributes).concat()));
    };
    for item in files.values().flat_map(|file| &file.items) {
        match item {
            Item::Struct(it) => {
                add(it.ident.to_string(), &it.attrs);
                for field in it.fields.iter().filter(|field| field.ident.is_some()) {
                    add(
                        format!("{}.{}", it.ident, field.ident.as_ref().unwrap()),
                        &field.attrs,
                    );
                }
            }
            Item::Enum(it) => add(it.ident.to_string(), &it.attrs),
            Item::Impl(it) if it.trait_.is_none() => {
                for item in &it.items {
                    if let ImplItem::Fn(it) = item {
                        add(it.sig.ident.to_string(), &it.attrs);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn no_word_of_the_description_is_lost() {
    let text = fs::read_to_string(root().join("spec/pcaps.json")).unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    let found = documentation(&files());
    let mut lost = Vec::new();
    let mut check = |name: &str, text: &Value| {
        let text = letters(text.as_str().unwrap_or_default());
        if !found.get(name).is_some_and(|found| found.contains(&text)) {
            lost.push(format!("{name}: {text}"));
        }
    };
    check("Client", &description["info"]["description"]);
    for (_, _, operation) in operations(&description) {
        let name = operation["operationId"].as_str().unwrap();
        check(name, &operation["summary"]);
        check(name, &operation["description"]);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            check(name, &parameter["description"]);
        }
    }
    let lowered = lower::lower(&description).unwrap();
    for (name, it) in &lowered.open_enums {
        check(name, &it.doc.as_str().into());
    }
    for (name, it) in &lowered.unions {
        check(name, &it.doc.as_str().into());
    }
    let named = schemas(&lowered.document);
    for (name, schema) in &named {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        check(name, &schemas(&description)[name]["description"]);
        for (field, schema) in properties {
            // A type of its own has its documentation itself, a secret has not.
            let secret = referenced(schema).filter(|name| lowered.secrets.contains(*name));
            let schema = secret.map_or(schema, |name| &named[name]);
            check(&format!("{name}.{field}"), &schema["description"]);
        }
    }
    assert!(lost.is_empty(), "\n{}", lost.join("\n"));
}

//! The outline of the generated code, so that an upgrade of the generator shows what it changes in a page.

use std::fs;

use syn::{
    Attribute, File, Item, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::support::root;

/// Takes away what is not outline: documentation, attributes other than derives, and bodies.
struct Outline;

impl VisitMut for Outline {
    fn visit_item_mut(&mut self, item: &mut Item) {
        match item {
            Item::Struct(it) => derives(&mut it.attrs),
            Item::Enum(it) => derives(&mut it.attrs),
            Item::Impl(it) => {
                it.attrs.clear();
                if it.trait_.is_some() {
                    it.items.clear();
                }
            }
            Item::Mod(it) => it.attrs.clear(),
            Item::Const(it) => it.attrs.clear(),
            _ => {}
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        function.attrs.clear();
        function.block = parse_quote!({});
    }

    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        field.attrs.clear();
    }

    fn visit_variant_mut(&mut self, variant: &mut syn::Variant) {
        variant.attrs.clear();
        visit_mut::visit_variant_mut(self, variant);
    }
}

fn derives(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| attribute.path().is_ident("derive"));
}

fn outline(file: &str) -> String {
    let text = fs::read_to_string(root().join(xtask::generate::GENERATED).join(file)).unwrap();
    let mut file: File = syn::parse_file(&text).unwrap();
    file.attrs.clear();
    file.items.retain(|item| {
        !matches!(item, Item::Use(_)) && !matches!(item, Item::Const(it) if it.ident == "_")
    });
    Outline.visit_file_mut(&mut file);
    prettyplease::unparse(&file)
}

#[test]
fn the_outline_of_the_generated_code() {
    for file in ["client.rs", "limits.rs", "open.rs", "types.rs"] {
        insta::assert_snapshot!(file.trim_end_matches(".rs"), outline(file));
    }
}

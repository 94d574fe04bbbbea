//! A second API, made up, through the code that makes `pcaps-api`: nothing in it is about packet captures. What it
//! makes is checked in, compiled here and put to use; `xtask/tests/second_api.rs` keeps it up to date.

use axum::{
    Json, Router,
    extract::RawQuery,
    http::StatusCode,
    routing::{delete, get},
};
use futures_util::StreamExt as _;
use generated::{
    Book, Client, EBookType, Error, Genre, PaperBookGenresItem, PaperBookState,
    types::{
        AddBookRequest, AddBookRequestDonor, AddBookRequestSeal, AddBookRequestSealColour,
        AddBookRequestType, BranchId, Category, Cover, ListBooksResponse, ListBooksSortBy,
        PaperBook, ShelfMark,
    },
};
use pcaps_api::{Entry, Extra, Secret};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

#[rustfmt::skip]
#[allow(clippy::pedantic, clippy::all, dead_code, missing_docs, unreachable_pub, unused_imports, reason = "generated: held to unsafe_code only")]
mod generated;
#[path = "../../crates/pcaps-api/src/integer.rs"]
mod integer;
#[path = "../../crates/pcaps-api/src/tagged.rs"]
mod tagged;

/// What `pcaps-api` remembers of a response is not needed here.
#[derive(Clone, Debug)]
struct Exchange;

impl progenitor_client::ClientHooks<Exchange> for Client {}

/// A paper book with something that the description does not know at every depth.
fn odd_book() -> Value {
    json!({
        "type": "paper", "self": "/books/1", "times-read": 3, "branch": "NOT A BRANCH", "isbn": "none", "shelf": 1,
        "extra": "a poster", "state": "lost", "maker": { "firm": "Oak", "founded": 1900 },
        "genre": "cookery", "genres": ["war", "peace", 7, { "war": null }], "grade": 9, "mark": 12, "years": [1999, "about 1850"],
        "note": "torn", "binding": { "glue": "none", "thread": "silk" }, "hours": { "monday": "9-5", "sunday": null },
        "stock": { "good": 2, "lost": "some" },
        "loans": { "may": { "days": 3, "late": true }, "june": "none" },
        "category": { "name": "a", "colour": "red", "children": [{ "name": "b", "children": [{ "size": 1 }] }, "c"] },
        "publisher": { "city": "Berne", "size": "tiny", "founded": 1900 },
        "chapters": [
            { "title": "One", "pages": 9, "notes": [{ "kind": "margin", "colour": "red", "keys": ["k", 5] }, 3] },
            "a bare word"
        ]
    })
}

fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) -> T {
    let decoded = T::deserialize(value).unwrap();
    assert_eq!(&serde_json::to_value(&decoded).unwrap(), value);
    decoded
}

fn paper(book: Book) -> PaperBook {
    let Book::Paper(paper) = book else {
        panic!("{book:?}")
    };
    *paper
}

#[test]
fn what_is_not_described_survives_at_every_depth() {
    let book = paper(round_trip(&odd_book()));
    assert_eq!(book.extra["shelf"], 1);
    assert_eq!(book.extra_.as_deref(), Some("a poster"));
    assert_eq!(book.genre, Some(Genre::Other("cookery".into())));
    assert_eq!(book.maker.unwrap()["founded"], 1900);
    let publisher = book.publisher.unwrap();
    assert_eq!(publisher.extra["founded"], 1900);
    assert_eq!(publisher.size.unwrap().as_str(), "tiny");
    let chapters = book.chapters.unwrap();
    let notes = chapters[0].known().unwrap().notes.as_ref().unwrap();
    let note = notes[0].known().unwrap();
    assert_eq!(note.kind.as_ref().unwrap().as_str(), "margin");
    assert_eq!(note.extra["colour"], "red");
    assert_eq!(
        book.loans.unwrap()["may"].known().unwrap().extra["late"],
        true
    );
    let children = book.category.unwrap().children.unwrap();
    let grandchildren = children[0].known().unwrap().children.as_ref().unwrap();
    assert_eq!(grandchildren[0].known().unwrap().extra["size"], 1);
}

#[test]
fn an_odd_entry_does_not_cost_the_list() {
    let books = json!({ "success": true, "result": [odd_book(), 5, { "type": "clay" }, { "type": 0 }, { "type": "e-book", "id": 1 }],
        "errors": [{ "code": 1, "level": "dire" }, "sorry"], "page": { "number": 1, "kind": "middle", "of": 2 } });
    let books: ListBooksResponse = round_trip(&books);
    let result = books.result.unwrap();
    assert!(matches!(result[0], Book::Paper(_)));
    assert!(
        result[1..]
            .iter()
            .all(|book| matches!(book, Book::Other(_)))
    );
    assert_eq!(books.page.unwrap().extra["of"], 2);
    let book = paper(round_trip(&odd_book()));
    let genres = book.genres.unwrap();
    assert_eq!(genres[0].known(), Some(&PaperBookGenresItem::War));
    assert_eq!(genres[1].known().unwrap().as_str(), "peace");
    assert!(genres[2..].iter().all(|genre| genre.known().is_none()));
    assert!(book.chapters.unwrap()[1].known().is_none());
    assert_eq!(book.stock.unwrap()["good"].known(), Some(&2));
}

#[test]
fn the_tag_picks_the_member() {
    let book: Book = round_trip(&json!({ "type": "e-book", "url": "https://key@host", "new": 1 }));
    assert!(matches!(book, Book::EBook(it) if it.extra["new"] == 1));
    // A field of the one and the tag of the other.
    let book: Book = round_trip(&json!({ "type": "paper", "url": "https://host" }));
    assert!(paper(book).extra.contains_key("url"));
    // Nothing is required, and null is absence.
    let book: Book =
        serde_json::from_value(json!({ "type": "paper", "chapters": null, "genre": null }))
            .unwrap();
    assert_eq!(
        serde_json::to_value(book).unwrap(),
        json!({ "type": "paper" })
    );
}

#[test]
fn a_union_may_hold_itself_and_a_member_may_stand_alone() {
    let sequel = json!({ "type": "paper", "sequel": { "type": "e-book", "id": "1" } });
    let book = paper(round_trip(&sequel));
    assert!(matches!(book.sequel, Some(Book::EBook(it)) if it.id.as_deref() == Some("1")));
    let guide = json!({ "name": "a", "guide": { "type": "e-book", "id": "1" } });
    let guide = round_trip::<Category>(&guide).guide.unwrap();
    assert_eq!(guide.type_, Some(EBookType::EBook));
}

#[test]
fn every_value_has_a_name() {
    for (value, name) in [
        ("other", PaperBookState::Other_),
        ("2nd-hand", PaperBookState::X2ndHand),
        ("1.2", PaperBookState::X12),
        ("", PaperBookState::X),
        ("lost", PaperBookState::Other("lost".into())),
    ] {
        assert_eq!(round_trip::<PaperBookState>(&json!(value)), name);
        assert_eq!(name.as_str(), value);
    }
}

#[test]
fn whole_floats_are_integers() {
    let text = r#"{"type": "paper", "times-read": 80.0, "grade": 2.0}"#;
    let book = paper(serde_json::from_str(text).unwrap());
    assert_eq!((book.times_read, book.grade), (Some(80), Some(2)));
}

#[test]
fn secrets_do_not_show() {
    let books = json!([
        { "type": "e-book", "url": "hunter2", "token": "hunter2" },
        { "type": "paper", "chapters": [{ "notes": [{ "keys": ["hunter2", ["hunter2"]] }] }] },
        { "type": "clay", "url": "hunter2" }
    ]);
    let books: Vec<Book> = round_trip(&books);
    let shown = format!("{books:?} {:?}", request());
    assert!(!shown.contains("hunter2"), "{shown}");
}

fn request() -> AddBookRequest {
    AddBookRequest {
        cover: Some(Cover {
            colour: Some("red".into()),
        }),
        copies: *generated::limits::add_book_request::COPIES.end(),
        donor: Some(AddBookRequestDonor {
            name: "Ada".into(),
            pin: Some("hunter2".into()),
        }),
        edition: Some(2),
        genre: Some(Genre::FieldGuide),
        note: None,
        pages: None,
        print_year: None,
        seal: Some(AddBookRequestSeal {
            colour: AddBookRequestSealColour::Red,
        }),
        shelf: Some(ShelfMark::Integer(7)),
        title: "Birds".into(),
        type_: AddBookRequestType::EBook,
    }
}

#[test]
fn a_request_is_as_described() {
    assert_eq!(generated::limits::add_book_request::COPIES, 1..=50);
    assert_eq!(
        serde_json::to_value(request()).unwrap(),
        json!({
            "copies": 50, "cover": { "colour": "red" }, "donor": { "name": "Ada", "pin": "hunter2" }, "edition": 2, "genre": "field-guide", "note": null, "print-year": null,
            "seal": { "colour": "red" }, "shelf": 7, "title": "Birds", "type": "e-book"
        })
    );
    assert!(BranchId::try_from("NOT A BRANCH").is_err());
}

/// What the client sent comes back as what the client reads.
fn service() -> Router {
    let books = get(|RawQuery(query): RawQuery| async move {
        match query.as_deref() {
            Some("genre=poems") => Err((StatusCode::NOT_FOUND, Json(json!({ "success": false })))),
            query => Ok(Json(json!({ "success": true, "asked": query }))),
        }
    });
    let books = books.post(|Json(body): Json<Value>| async { (StatusCode::CREATED, Json(body)) });
    Router::new()
        .route("/branches/west/books", books)
        .route(
            "/branches/west/books/7",
            delete(async || StatusCode::NO_CONTENT),
        )
        .route(
            "/branches/west/books/8",
            delete(async || (StatusCode::CONFLICT, Json(json!({ "until": "May" })))),
        )
        .route(
            "/branches/west/statistics",
            get(async || Json(json!([1, "two"]))),
        )
        .route(
            "/branches/west/notices",
            get(async || Json(json!(["closed", { "name": "a", "new": 1 }]))),
        )
        .route("/branches/west/books/7/scan", get(async || "%PDF"))
        .route(
            "/branches/west/categories",
            get(async || Json(json!([{ "name": "a" }, 5]))),
        )
        .route(
            "/branches/west/rooms",
            get(async || Json(json!({ "attic": { "seats": 4.0, "dark": true }, "yard": 5 }))),
        )
}

#[tokio::test]
async fn the_client_sends_and_reads() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, service()).await });
    let client = Client::new_with_client(&url, reqwest::Client::new(), Exchange);
    let west = BranchId::try_from("west").unwrap();

    let (limit, order) = (Some(5), Some(ListBooksSortBy::MostRead));
    let genre = Genre::FieldGuide;
    let books = client.list_books(&west, Some(&genre), limit, Some("2001-01-01"), order);
    assert_eq!(
        books.await.unwrap().extra["asked"],
        "genre=field-guide&limit=5&since=2001-01-01&sort-by=most-read"
    );
    let genre = Genre::Other("poems".into());
    let refused = client.list_books(&west, Some(&genre), None, None, None);
    let Err(Error::ErrorResponse(refused)) = refused.await else {
        panic!("it is not found")
    };
    assert_eq!(refused.success, Some(false));

    let added = client.add_book(&west, &request()).await.unwrap();
    assert!(matches!(&*added, Book::EBook(it) if it.extra["title"] == "Birds"));
    client.remove_book(&west, 7).await.unwrap();
    let Err(Error::ErrorResponse(refused)) = client.remove_book(&west, 8).await else {
        panic!("it is lent")
    };
    assert_eq!(*refused, json!({ "until": "May" }));
    let statistics = client.get_by_branch_id_statistics(&west).await.unwrap();
    assert_eq!(*statistics, json!([1, "two"]));
    let scan = client
        .get_by_branch_id_books_by_book_id_scan(&west, 7)
        .await;
    let scan = scan.unwrap().into_inner().into_inner();
    let scan: Vec<_> = scan.map(Result::unwrap).collect().await;
    assert_eq!(scan.concat(), b"%PDF");
    let notices = client.get_by_branch_id_notices(&west).await.unwrap();
    assert_eq!(notices[1], json!({ "name": "a", "new": 1 }));
    let categories = client.get_by_branch_id_categories(&west).await.unwrap();
    assert_eq!(categories[0].known().unwrap().name.as_deref(), Some("a"));
    assert!(categories[1].known().is_none());
    let rooms = client.get_by_branch_id_rooms(&west).await.unwrap();
    let attic = rooms["attic"].known().unwrap();
    assert_eq!((attic.seats, &attic.extra["dark"]), (Some(4), &json!(true)));
    assert!(rooms["yard"].known().is_none());
}

//! Web traffic: HTTPS at port 443, plain HTTP at port 80.

use super::{
    conversation::Way,
    network::{self, NAMES, Service},
    slice::Slice,
    tcp::Connection,
    tls,
};

/// What is asked for.
const PATHS: [&str; 8] = [
    "/",
    "/index.html",
    "/assets/site.css",
    "/assets/app.js",
    "/images/banner.png",
    "/api/v1/items?page=2",
    "/health",
    "/favicon.ico",
];

/// Who asks.
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "curl/8.8.0",
];

/// The text that plain pages are made of.
const TEXT: &str = "<p>The quick brown fox jumps over the lazy dog.</p>\n";

/// A TLS connection with one to three requests.
pub(super) fn https(slice: &mut Slice) {
    let name = NAMES[slice.rng.usize(0..NAMES.len())];
    let between = network::inbound(slice, Service::Web, 443);
    let mut connection = Connection::open(slice, between);
    let session = tls::noise(connection.rng(), 32);
    let hello = tls::client_hello(connection.rng(), name, &session);
    connection.send(Way::Up, &hello);
    connection.pause(200..3_000);
    let flight = tls::server_flight(connection.rng(), &session);
    connection.send(Way::Down, &flight);
    connection.pause(300..2_000);
    let finished = tls::client_finished(connection.rng());
    connection.send(Way::Up, &finished);

    for _ in 0..connection.rng().u8(1..=3) {
        let length = connection.rng().usize(80..900);
        let request = tls::sealed(connection.rng(), length);
        connection.send(Way::Up, &request);
        connection.pause(1_000..90_000);
        // Most answers are short, some are long.
        let most = [600, 1_800, 4_000, 12_000, 30_000][connection.rng().usize(0..5)];
        let length = connection.rng().usize(150..most);
        let answer = tls::sealed(connection.rng(), length);
        connection.send(Way::Down, &answer);
        connection.pause(500..200_000);
    }
    // "Close notify".
    let farewell = tls::sealed(connection.rng(), 19);
    connection.send(Way::Up, &farewell);
    connection.close();
}

/// A plain connection with one or two requests that anybody can read.
pub(super) fn http(slice: &mut Slice) {
    let between = network::inbound(slice, Service::Web, 80);
    let mut connection = Connection::open(slice, between);
    for _ in 0..connection.rng().u8(1..=2) {
        let request = request(connection.rng());
        connection.send(Way::Up, request.as_bytes());
        connection.pause(800..60_000);
        let answer = answer(connection.rng());
        connection.send(Way::Down, answer.as_bytes());
        connection.pause(400..150_000);
    }
    connection.close();
}

fn request(rng: &mut fastrand::Rng) -> String {
    let name = NAMES[rng.usize(0..NAMES.len())];
    let path = PATHS[rng.usize(0..PATHS.len())];
    let agent = AGENTS[rng.usize(0..AGENTS.len())];
    format!(
        "GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n"
    )
}

fn answer(rng: &mut fastrand::Rng) -> String {
    match rng.u8(0..10) {
        0 => {
            "HTTP/1.1 304 Not Modified\r\nServer: example\r\nConnection: keep-alive\r\n\r\n".into()
        }
        1 => page("404 Not Found", 1),
        2..6 => page("200 OK", rng.usize(4..40)),
        _ => page("200 OK", rng.usize(40..240)),
    }
}

fn page(status: &str, lines: usize) -> String {
    let body = TEXT.repeat(lines);
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nServer: example\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nCache-Control: max-age=60\r\nConnection: keep-alive\r\n\r\n{body}"
    )
}

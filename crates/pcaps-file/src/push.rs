//! Packets out of bytes that arrive by themselves.

use std::fmt;
use std::io::{self, Read};

use crate::error::{Error, ErrorKind};
use crate::packet::Packet;
use crate::reader::{Header, Reader};
use crate::source::Source;

/// A [`Reader`] that is given the bytes of its file, in pieces of any size, instead of fetching them: for
/// asynchronous readers, sockets, and whatever else must not block.
///
/// It takes the same files, also packed ones, gives the same packets, and fails with the same errors.
///
/// # Examples
///
/// ```
/// use pcaps_file::{Pushed, PushReader};
/// use tokio::io::AsyncReadExt as _;
///
/// # async fn count(mut file: impl tokio::io::AsyncRead + Unpin) -> Result<u64, Box<dyn std::error::Error>> {
/// let mut reader = PushReader::new("the pipe");
/// let mut piece = vec![0; 64 * 1024];
/// let mut packets = 0;
/// loop {
///     match reader.next_packet()? {
///         Pushed::Packet(_) => packets += 1,
///         Pushed::End => return Ok(packets),
///         Pushed::More => match file.read(&mut piece).await? {
///             0 => reader.end(),
///             count => reader.push(&piece[..count]),
///         },
///     }
/// }
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # assert_eq!(runtime.block_on(count(&include_bytes!("../tests/data/dns.pcap")[..]))?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PushReader {
    reader: Reader<Feed>,
    /// Whether the file's beginning is whole.
    is_open: bool,
}

/// What a [`PushReader`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed<'a> {
    /// The next packet, in the file's order.
    Packet(Packet<'a>),
    /// Nothing before more bytes are pushed, or the end is told.
    More,
    /// Nothing any more: the file was whole.
    End,
}

impl PushReader {
    /// Begins a file. `name` is for errors.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            reader: Reader::unopened(Source::new(Feed::default(), name.into())),
            is_open: false,
        }
    }

    /// Takes the next bytes of the file. Push only what [`next_packet`](PushReader::next_packet) asks for
    /// ([`Pushed::More`]): what is pushed and not read is kept in memory.
    pub fn push(&mut self, bytes: &[u8]) {
        let feed = self.reader.get_mut();
        feed.bytes.drain(..feed.read);
        feed.read = 0;
        feed.bytes.extend_from_slice(bytes);
    }

    /// Says that the file ends here.
    pub fn end(&mut self) {
        self.reader.get_mut().has_ended = true;
    }

    /// The next packet of what was pushed.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::new`] and [`Reader::next_packet`], once what was pushed tells; a file that is cut is one
    /// only after [`end`](PushReader::end).
    pub fn next_packet(&mut self) -> Result<Pushed<'_>, Error> {
        match self.next_record() {
            Ok(Some(record)) => Ok(Pushed::Packet(self.reader.packet(&record))),
            Ok(None) => Ok(Pushed::End),
            // A feed does not fail otherwise: it has been read, and the file goes on.
            Err(error) if error.kind() == ErrorKind::Io => Ok(Pushed::More),
            Err(error) => Err(error),
        }
    }

    /// What the beginning of the file says; `None` before it is whole.
    pub fn header(&self) -> Option<Header> {
        self.is_open.then(|| self.reader.header())
    }

    fn next_record(&mut self) -> Result<Option<crate::reader::Record>, Error> {
        if !self.is_open {
            self.reader.open_records()?;
            self.is_open = true;
        }
        self.reader.next_record()
    }
}

impl fmt::Debug for PushReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushReader").finish_non_exhaustive()
    }
}

/// Bytes that arrived; more may come.
#[derive(Default)]
struct Feed {
    bytes: Vec<u8>,
    read: usize,
    /// Whether no more will come.
    has_ended: bool,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.bytes.get(self.read..).unwrap_or_default().read(buffer) {
            Ok(0) if !self.has_ended => Err(io::ErrorKind::WouldBlock.into()),
            Ok(count) => {
                self.read += count;
                Ok(count)
            }
            Err(error) => Err(error),
        }
    }
}

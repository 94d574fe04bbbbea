//! The packets of some files that are wanted, in another file.

use std::io::{Read, Write};

use crate::behind;
use crate::error::Error;
use crate::merge::Input;
use crate::output::{Origin, Output};
use crate::packet::Packet;
use crate::reader::{Format, Header, Reader};
use crate::turns::look_through;

/// What was selected.
#[derive(Debug)]
#[non_exhaustive]
pub struct Selected {
    /// The format of what was written.
    pub format: Format,
    /// How many packets were read.
    pub read: u64,
    /// How many of them were written.
    pub written: u64,
    /// How many were wanted and could not be written, because the output cannot express them: times after the year
    /// 2106 in a classic file, and packets of 16 MiB in pcapng.
    pub refused: u64,
    /// Why the packets of an input end before its end; they were read up to there.
    pub errors: Vec<Error>,
}

/// Copies those packets of the inputs that `wanted` takes into `output`, which a thread of its own writes: one input
/// after the other, each in its order. Of a long classic file two threads take turns at pieces. Each thread asks a clone of
/// `wanted`, anew for each input: what one clone keeps knows nothing of the packets that others see.
///
/// The output is a classic file if all inputs are and agree in link type, snap length and resolution; else it is a
/// pcapng file with an interface for each sort of packet. Times keep all their digits, packets all their bytes.
///
/// # Errors
///
/// What `wanted` fails with; [`is_io`](Error::is_io) if an input cannot be opened or the output cannot be written; and
/// others if the beginning of an input is not that of a capture file. Nothing is written before all inputs have been
/// opened. An input that is torn or damaged further on is no error here but in [`Selected::errors`].
///
/// # Examples
///
/// ```
/// use pcaps_file::filter::{Program, parse};
/// use pcaps_file::{LinkType, merge::Input, select};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let program = Program::new(&parse("udp src port 53")?, LinkType::ETHERNET)?;
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dns.pcap");
/// let mut output = Vec::new();
/// let selected = select([Input::path(file)], &mut output, |packet| {
///     Ok::<_, pcaps_file::Error>(program.matches(packet.bytes, packet.original_len))
/// })?;
/// assert!(selected.written < selected.read);
/// # Ok(())
/// # }
/// ```
pub fn select<W: Write + Send, E: From<Error> + Send>(
    inputs: impl IntoIterator<Item = Input>,
    output: W,
    wanted: impl FnMut(&Packet<'_>) -> Result<bool, E> + Clone + Send,
) -> Result<Selected, E> {
    let inputs = inputs.into_iter().map(Source::look);
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let headers: Vec<Header> = inputs.iter().map(|it| it.header).collect();
    behind::write(output, |output| {
        let mut output = Output::begin(&headers, output)?;
        let mut selected = Selected {
            format: Format::Pcap,
            read: 0,
            written: 0,
            refused: 0,
            errors: Vec::new(),
        };
        for (input, source) in inputs.into_iter().enumerate() {
            let mut reader = source.open()?;
            let (mut written, mut refused) = (0, 0);
            let looked = look_through(&mut reader, wanted.clone(), |packet, sort, options| {
                let origin = Origin { input, sort };
                if output.write(origin, options, packet)? {
                    written += 1;
                } else {
                    refused += 1;
                }
                Ok::<_, E>(())
            })?;
            selected.read += looked.packets;
            selected.written += written;
            selected.refused += refused;
            selected.errors.extend(looked.error);
        }
        selected.format = output.finish()?;
        Ok(selected)
    })
}

/// An input whose beginning has been read.
struct Source {
    header: Header,
    input: Opened,
}

/// A file is closed again, as there may be many; what can be read once only stays open.
enum Opened {
    Again(Input),
    Still(Reader<Box<dyn Read + Send>>),
}

impl Source {
    fn look(input: Input) -> Result<Self, Error> {
        let again = input.again();
        let reader = input.open()?;
        Ok(Self {
            header: reader.header(),
            input: match again {
                Some(input) => Opened::Again(input),
                None => Opened::Still(reader),
            },
        })
    }

    fn open(self) -> Result<Reader<Box<dyn Read + Send>>, Error> {
        match self.input {
            Opened::Again(input) => input.open(),
            Opened::Still(reader) => Ok(reader),
        }
    }
}

//! Reads a capture file to its end: `read FILE`.

use std::error::Error;

use pcaps_file::Reader;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("give a capture file")?;
    let mut reader = Reader::open(path)?;
    let (mut packets, mut bytes) = (0_u64, 0_u64);
    while let Some(packet) = reader.next_packet()? {
        packets += 1;
        bytes += packet.bytes.len() as u64;
    }
    println!("{packets} packets, {bytes} bytes");
    Ok(())
}

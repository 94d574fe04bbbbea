//! Merges capture files: `merge OUT FILE…`. Says what became of each that is not as it should be.

use std::error::Error;

use pcaps_file::NewFile;
use pcaps_file::merge::{Input, Merge};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let output = NewFile::create(arguments.next().ok_or("give an output and some inputs")?)?;
    let merged = Merge::new().run(arguments.map(Input::path), output.open()?)?;
    output.put_in_place()?;
    for file in &merged.files {
        if let Some(error) = &file.error {
            eprintln!("warning: {error}");
        }
    }
    println!("{} packets", merged.packets);
    Ok(())
}

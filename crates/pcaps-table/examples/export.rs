//! Writes the packets of capture files to a table in a folder.
//!
//! `cargo run --release -p pcaps-table --example export -- <folder> <file>...`

use std::{
    error::Error,
    fs::{self, File},
    io,
    path::PathBuf,
};

use pcaps_file::Reader;
use pcaps_table::{CaptureName, Part, Place, Source, export};

/// The files of one capture in a folder.
struct Folder {
    folder: PathBuf,
    name: String,
}

impl Place for Folder {
    type Output = File;

    fn create(&mut self, part: &Part) -> io::Result<File> {
        let folder = self.folder.join(part.partition.to_string());
        fs::create_dir_all(&folder)?;
        File::create(folder.join(format!("{}-{}.parquet", self.name, part.number)))
    }

    fn finish(&mut self, _: Part, _: File) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("name the folder to write to")?);
    for (number, file) in args.enumerate() {
        let source = Source {
            capture: CaptureName::of_file(&file),
            name: file,
            colo: None,
        };
        let mut place = Folder {
            folder: folder.clone(),
            name: number.to_string(),
        };
        let exported = export(&mut Reader::open(&source.name)?, &source, &mut place)?;
        println!("{}: {} rows", source.name, exported.rows);
        if let Some(error) = exported.error {
            eprintln!("warning: {error}");
        }
    }
    Ok(())
}

//! The archive, for any Linux.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, Header};

use super::Contents;

/// Writes it into a folder, and gives its path.
pub(super) fn write(contents: &Contents, folder: &Path) -> Result<PathBuf> {
    let name = format!("pcaps-{}-{}", contents.version, contents.target);
    let path = folder.join(format!("{name}.tar.gz"));
    let write = || {
        // Neither name nor time.
        let file = GzBuilder::new().write(File::create(&path)?, Compression::best());
        let mut archive = Builder::new(file);
        for (place, bytes, mode) in files(contents) {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(mode);
            header.set_mtime(contents.time);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, format!("{name}/{place}"), bytes)?;
        }
        archive.into_inner()?.finish()?;
        Ok::<_, std::io::Error>(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// What is in it: where, what, and its mode.
fn files(contents: &Contents) -> Vec<(String, &[u8], u32)> {
    let mut files = vec![("pcaps".to_owned(), &contents.program[..], 0o755)];
    for (name, page) in &contents.pages {
        files.push((format!("man/man1/{name}"), page, 0o644));
    }
    for (shell, script) in &contents.completions {
        let name = match *shell {
            "bash" => "bash/pcaps",
            "fish" => "fish/pcaps.fish",
            "zsh" => "zsh/_pcaps",
            _ => "powershell/pcaps.ps1",
        };
        files.push((format!("completions/{name}"), script, 0o644));
    }
    for (name, text) in &contents.texts {
        files.push(((*name).to_owned(), text, 0o644));
    }
    let licences = contents.licences.as_bytes();
    files.push(("LICENSES-THIRD-PARTY".to_owned(), licences, 0o644));
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

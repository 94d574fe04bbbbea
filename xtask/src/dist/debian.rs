//! The Debian package. Debian's own tools put it together and find what it depends on.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;

use super::{Contents, line, put, said};
use crate::bench::programs::installed;

/// Writes it into a folder, and gives its path.
pub(super) fn write(contents: &Contents, folder: &Path) -> Result<PathBuf> {
    let build = installed("dpkg-deb", "dpkg")?;
    let architecture = architecture(&contents.target)?;
    let work = tempfile::tempdir()?;
    let tree = work.path().join("tree");
    lay(contents, &tree)?;
    let control = control(contents, architecture, &depends(work.path(), &tree)?, &tree)?;
    put(&tree.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    put(&tree.join("DEBIAN/md5sums"), &md5sums(&tree)?, 0o644)?;
    let path = folder.join(format!("pcaps_{}_{architecture}.deb", contents.version));
    let mut command = Command::new(build);
    command
        .env("SOURCE_DATE_EPOCH", contents.time.to_string())
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([&tree, &path]);
    said(&mut command)?;
    Ok(path)
}

/// Puts every file in its place.
fn lay(contents: &Contents, tree: &Path) -> Result<()> {
    let share = tree.join("usr/share");
    put(&tree.join("usr/bin/pcaps"), &contents.program, 0o755)?;
    for (name, page) in &contents.pages {
        put(
            &share.join(format!("man/man1/{name}.gz")),
            &packed(page)?,
            0o644,
        )?;
    }
    for (shell, script) in &contents.completions {
        let place = match *shell {
            "bash" => "bash-completion/completions/pcaps",
            "fish" => "fish/vendor_completions.d/pcaps.fish",
            "zsh" => "zsh/vendor-completions/_pcaps",
            // PowerShell has no place for them.
            _ => continue,
        };
        put(&share.join(place), script, 0o644)?;
    }
    let documents = share.join("doc/pcaps");
    for (name, text) in &contents.texts {
        match *name {
            "README.md" => put(&documents.join(name), text, 0o644)?,
            "CHANGELOG.md" => put(&documents.join("NEWS.md.gz"), &packed(text)?, 0o644)?,
            _ => {}
        }
    }
    let changelog = changelog(contents)?;
    put(
        &documents.join("changelog.gz"),
        &packed(changelog.as_bytes())?,
        0o644,
    )?;
    put(
        &documents.join("copyright"),
        copyright(contents)?.as_bytes(),
        0o644,
    )?;
    let licences = packed(contents.licences.as_bytes())?;
    put(&documents.join("LICENSES-THIRD-PARTY.gz"), &licences, 0o644)
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(bytes)?;
    Ok(packer.finish()?)
}

/// The machine's name at Debian.
fn architecture(target: &str) -> Result<&'static str> {
    let machine = target.split('-').next().unwrap_or_default();
    Ok(match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7" => "armhf",
        "riscv64gc" => "riscv64",
        "powerpc64le" => "ppc64el",
        "s390x" => "s390x",
        _ => bail!("it is not known here what Debian calls {target}"),
    })
}

/// The packages whose libraries the program is linked with.
fn depends(work: &Path, tree: &Path) -> Result<String> {
    let tool = installed("dpkg-shlibdeps", "dpkg-dev")?;
    // It wants to stand where a source package is.
    put(
        &work.join("debian/control"),
        b"Source: pcaps\n\nPackage: pcaps\nArchitecture: any\n",
        0o644,
    )?;
    let mut command = Command::new(tool);
    command
        .current_dir(work)
        .arg("-O")
        .arg(tree.join("usr/bin/pcaps"));
    let said = line(&mut command)?;
    let depends = said
        .lines()
        .find_map(|it| it.strip_prefix("shlibs:Depends="));
    Ok(depends
        .context("dpkg-shlibdeps names no packages")?
        .to_owned())
}

fn control(contents: &Contents, architecture: &str, depends: &str, tree: &Path) -> Result<String> {
    let mut bytes = 0;
    for path in files(tree)? {
        bytes += fs::metadata(path)?.len();
    }
    Ok(format!(
        "Package: pcaps\n\
         Version: {}\n\
         Architecture: {architecture}\n\
         Maintainer: {}\n\
         Installed-Size: {}\n\
         Depends: {depends}\n\
         Suggests: tcpdump, tshark, wireshark\n\
         Section: net\n\
         Priority: optional\n\
         Description: packet captures on Cloudflare's Magic Transit\n \
         Asks the packet capture service of Cloudflare's Magic Transit and Network\n \
         Firewall for packets, waits for them, fetches them, and leaves one capture\n \
         file that has been read through to its last record. Merges, filters and sums\n \
         up capture files, and has a simulator of the service for trying all that\n \
         without an account. Not made by Cloudflare.\n",
        contents.version,
        maintainer(),
        bytes.div_ceil(1024),
    ))
}

/// Who has made the package, as Debian's tools are told it.
fn maintainer() -> String {
    let name = env::var("DEBFULLNAME").unwrap_or_else(|_| "The pcaps developers".to_owned());
    let email = env::var("DEBEMAIL").unwrap_or_else(|_| "pcaps@localhost".to_owned());
    format!("{name} <{email}>")
}

fn changelog(contents: &Contents) -> Result<String> {
    let time = Timestamp::from_second(i64::try_from(contents.time)?)?;
    let time = time.strftime("%a, %d %b %Y %H:%M:%S +0000");
    Ok(format!(
        "pcaps ({}) unstable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- {}  {time}\n",
        contents.version,
        maintainer(),
    ))
}

/// Both licences: of the one that is on every Debian system the place, of the other the text.
fn copyright(contents: &Contents) -> Result<String> {
    let mit = contents.texts.iter().find(|it| it.0 == "LICENSE-MIT");
    let mit = String::from_utf8(mit.context("there is no LICENSE-MIT")?.1.clone())?;
    let mit: String = mit
        .lines()
        .map(|it| {
            if it.is_empty() {
                " .\n".to_owned()
            } else {
                format!(" {it}\n")
            }
        })
        .collect();
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: pcaps\n\
         Comment: The licences of what is linked into the program are in\n \
         LICENSES-THIRD-PARTY.gz.\n\n\
         Files: *\n\
         Copyright: The pcaps developers\n\
         License: Apache-2.0 or Expat\n\n\
         License: Apache-2.0\n \
         On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n\n\
         License: Expat\n{mit}"
    ))
}

fn md5sums(tree: &Path) -> Result<Vec<u8>> {
    let files = files(tree)?;
    let names = files.iter().filter_map(|it| it.strip_prefix(tree).ok());
    let names: Vec<_> = names.filter(|it| !it.starts_with("DEBIAN")).collect();
    said(Command::new("md5sum").current_dir(tree).args(names))
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

//! `pcaps wireshark`: this program among those that Wireshark captures with.

mod folders;
mod link;

use std::path::{Path, PathBuf};

use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, LinkState, WiresharkLink, WiresharkLinks},
};
use folders::Folders;

pub(super) fn run(global: &Global, args: &args::Wireshark) -> Result<(), Failure> {
    let program = link::program()?;
    let folders = Folders::find(args.place().dir.as_deref())?;
    let look = |folder: &PathBuf| link::look(folder, &program);
    let right = folders.right.iter().map(look);
    let right = right.collect::<Result<Vec<_>, _>>()?;
    // Of other versions of Wireshark, for which nobody asks, only what is ours matters.
    let other = folders.other.iter().map(look).filter_map(Result::ok);
    let other = other.filter(|it| it.is_there() && it.state != LinkState::Foreign);
    if !matches!(args, args::Wireshark::Status(_))
        && let Some(link) = right.iter().find(|it| it.state == LinkState::Foreign)
    {
        // Before anything is changed.
        return Err(foreign(link));
    }
    let links = match args {
        args::Wireshark::Install(_) => {
            let links = right.into_iter().map(|it| install(it, &program));
            links.collect::<Result<Vec<_>, _>>()?
        }
        args::Wireshark::Uninstall(_) => {
            let links = right.into_iter().filter(WiresharkLink::is_there);
            let links = links.chain(other).map(uninstall);
            links.collect::<Result<_, _>>()?
        }
        args::Wireshark::Status(_) => right.into_iter().chain(other).collect(),
    };
    let found = WiresharkLinks {
        program,
        tshark: folders.tshark,
        links,
    };
    output::result(global, || &found, || found.text())?;
    if let args::Wireshark::Install(_) = args {
        if found.tshark.is_none() && args.place().dir.is_none() {
            output::hint(
                global,
                "note: there is no tshark here that says which folder is its: these are those of all versions of Wireshark",
            );
        }
        output::hint(
            global,
            "next: start Wireshark again, and choose `Cloudflare Magic Transit`; or `tshark -i pcaps`",
        );
    }
    Ok(())
}

/// Makes a link, unless there is one.
fn install(link: WiresharkLink, program: &Path) -> Result<WiresharkLink, Failure> {
    if link.state == LinkState::Installed {
        return Ok(link);
    }
    let made = link::make(&link.path, program);
    made.map_err(|it| Failure::write(&link.path, &it))?;
    Ok(WiresharkLink {
        state: LinkState::Installed,
        changed: true,
        ..link
    })
}

fn uninstall(link: WiresharkLink) -> Result<WiresharkLink, Failure> {
    std::fs::remove_file(&link.path).map_err(|error| {
        let path = link.path.display();
        Failure::new(Exit::Other, format!("cannot remove {path}: {error}"))
    })?;
    Ok(WiresharkLink {
        state: LinkState::Absent,
        changed: true,
        ..link
    })
}

fn foreign(link: &WiresharkLink) -> Failure {
    let path = link.path.display();
    Failure::new(
        Exit::Other,
        format!(
            "{path} is there, and was not made by `pcaps wireshark install`: it stays as it is; move it away, or name another folder with --dir"
        ),
    )
}

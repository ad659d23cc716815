//! Makes components that nobody wrote: `smith SEED COUNT FOLDER FRAME GOOD…`.
//!
//! It writes so many of them to the folder, each under its number, and says of each on a line what it
//! was made as, and whether it is one at all. The frame is a codec whose code is replaced; the
//! good ones are codecs of which bytes are changed.

mod body;
mod stranger;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use crate::stranger::{Bases, stranger};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [seed, count, folder, frame, good @ ..] = arguments.as_slice() else {
        return Err("smith SEED COUNT FOLDER FRAME GOOD…".into());
    };
    let (seed, count): (u64, u64) = (seed.parse()?, count.parse()?);
    let bases = Bases {
        frame: fs::read(frame)?,
        good: good.iter().map(fs::read).collect::<Result<_, _>>()?,
    };
    for number in 0..count {
        let stranger = stranger(seed, number, &bases);
        let file = Path::new(folder).join(format!("{number}.wasm"));
        fs::write(file, &stranger.artifact)?;
        let is = if stranger.is_valid {
            "valid"
        } else {
            "invalid"
        };
        println!("{number} {} {is}", stranger.made);
    }
    Ok(())
}

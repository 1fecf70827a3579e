//! What state a terminal is in, as far as a program has set it by escape sequences: the alternate screen, the cursor,
//! mouse reports, bracketed paste, margins. What is drawn is not looked at.
//!
//! It is asked of output that nobody keeps any more, so that what is kept can still be shown right. All that leaves
//! passes here, at the speed of a search for ESC: text between sequences is skipped, and only the sequences that
//! change such a state are read (ECMA-48; xterm's "Control Sequences").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The escape character.
const ESC: u8 = 0x1b;

/// The longest sequence that is read; longer ones change nothing here.
const LONGEST: usize = 64;

/// Modes of DEC's kind (`CSI ? n h`) that are put back, and whether they are on to begin with.
const KNOWN: [(u16, bool); 18] = [
    (1, false),  // cursor keys send application codes
    (5, false),  // reverse video
    (6, false),  // the cursor is confined to the margins
    (7, true),   // text goes on in the next line
    (9, false),  // mouse: X10
    (12, false), // the cursor blinks
    (25, true),  // the cursor is seen
    (45, false), // backspace goes on in the line above
    (66, false), // the keypad sends application codes
    (1000, false),
    (1002, false),
    (1003, false), // mouse: clicks, drags, moves
    (1004, false), // focus
    (1005, false),
    (1006, false),
    (1015, false),
    (1016, false), // how mouse reports are written
    (2004, false), // bracketed paste
];

/// Modes that show the alternate screen. Put back before the others.
const ALTERNATE: [u16; 3] = [47, 1047, 1049];

/// Modes that an emulator's drawing brings by itself, and that would be in its way.
const DRAWN: [u16; 4] = [1, 6, 7, 25];

/// The state of a terminal after some output.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Modes {
    /// What differs from the beginning.
    changed: BTreeMap<u16, bool>,
    /// By which mode the alternate screen is shown.
    alternate: Option<u16>,
    /// The parameters of the last `CSI r`.
    margins: Vec<u8>,
    /// The parameter of the last `CSI SP q`: the cursor's shape.
    cursor: Vec<u8>,
    /// Where in a sequence the output ends.
    place: Place,
    /// What was read of it.
    sequence: Vec<u8>,
}

/// A place in output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// Between sequences.
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and what follows it, but for its last character.
    Intermediate,
    /// In a control sequence (`CSI`).
    Control,
    /// In a string (OSC, DCS, SOS, PM, APC).
    String,
    /// After an ESC in a string.
    StringEscape,
}

impl Modes {
    /// Takes in what was put out next.
    pub(super) fn follow(&mut self, mut output: &[u8]) {
        while !output.is_empty() {
            let skipped = match self.place {
                Place::Text => memchr::memchr(ESC, output),
                Place::String => memchr::memchr3(ESC, 0x07, 0x18, output),
                _ => Some(0),
            };
            let Some(skipped) = skipped else {
                return;
            };
            self.take(output[skipped]);
            output = &output[skipped + 1..];
        }
    }

    /// How many bytes of `output`, which comes next, belong to a sequence or a character that began before it.
    pub(super) fn rest(&self, output: &[u8]) -> usize {
        let mut ahead = self.clone();
        let in_sequence = output
            .iter()
            .take_while(|byte| {
                let is_inside = ahead.place != Place::Text;
                ahead.take(**byte);
                is_inside
            })
            .count();
        let is_continued = |byte: &&u8| (0x80..0xc0).contains(*byte);
        in_sequence
            + output[in_sequence..]
                .iter()
                .take(3)
                .take_while(is_continued)
                .count()
    }

    /// Whether the alternate screen is shown.
    pub(super) fn is_alternate(&self) -> bool {
        self.alternate.is_some()
    }

    /// What brings a terminal that was just reset to this state.
    pub(super) fn restored(&self) -> Vec<u8> {
        let shown = self.alternate.map(|mode| format!("\x1b[?{mode}h"));
        let mut bytes = shown.unwrap_or_default().into_bytes();
        if !self.margins.is_empty() {
            bytes.extend([b"\x1b[", &*self.margins, b"r"].concat());
        }
        bytes.extend(self.put_back(|_| true));
        bytes
    }

    /// As [`Self::restored`], without what a drawing of the screen brings by itself.
    pub(super) fn beside_drawing(&self) -> Vec<u8> {
        self.put_back(|mode| !DRAWN.contains(&mode))
    }

    fn put_back(&self, is_wanted: impl Fn(u16) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, is_on) in self.changed.iter().filter(|(mode, _)| is_wanted(**mode)) {
            let end = if *is_on { 'h' } else { 'l' };
            bytes.extend(format!("\x1b[?{mode}{end}").bytes());
        }
        if !self.cursor.is_empty() {
            bytes.extend([b"\x1b[", &*self.cursor, b" q"].concat());
        }
        bytes
    }

    fn take(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Text | Place::Escape | Place::Intermediate | Place::Control, ESC) => {
                Place::Escape
            }
            (Place::Escape | Place::Intermediate, 0x20..0x30) => Place::Intermediate,
            // The first break a sequence off, the last ends one.
            (_, 0x18 | 0x1a) | (Place::Text | Place::Intermediate, _) | (Place::String, 0x07) => {
                Place::Text
            }
            (Place::Escape, b'[') => {
                self.sequence.clear();
                Place::Control
            }
            (Place::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Place::String,
            (Place::Escape, _) => {
                self.escaped(byte);
                Place::Text
            }
            (Place::Control, 0x40..0x7f) => {
                self.controlled(byte);
                Place::Text
            }
            (Place::Control, _) => {
                // A longer one is none of those that are read.
                if byte >= 0x20 && self.sequence.len() <= LONGEST {
                    self.sequence.push(byte);
                }
                Place::Control
            }
            (Place::String, ESC) => Place::StringEscape,
            (Place::String, _) => Place::String,
            (Place::StringEscape, b'\\') => Place::Text,
            // Any other sequence breaks the string off.
            (Place::StringEscape, _) => {
                self.place = Place::Escape;
                return self.take(byte);
            }
        };
    }

    /// A sequence of two characters.
    fn escaped(&mut self, last: u8) {
        match last {
            b'c' => *self = Self::default(),
            b'=' => self.set(66, true),
            b'>' => self.set(66, false),
            _ => {}
        }
    }

    /// A control sequence.
    fn controlled(&mut self, last: u8) {
        let sequence = std::mem::take(&mut self.sequence);
        match (sequence.as_slice(), last) {
            ([b'?', modes @ ..], b'h' | b'l') => {
                for mode in modes.split(|byte| *byte == b';') {
                    let mode = std::str::from_utf8(mode).ok();
                    if let Some(mode) = mode.and_then(|mode| mode.parse().ok()) {
                        self.set(mode, last == b'h');
                    }
                }
            }
            ([shape @ .., b' '], b'q') if is_number(shape) => self.cursor = shape.to_vec(),
            // A soft reset.
            ([b'!'], b'p') => {
                self.margins.clear();
                for mode in [1, 6, 66] {
                    self.set(mode, false);
                }
                self.set(25, true);
            }
            (margins, b'r') if is_number(margins) => self.margins = margins.to_vec(),
            _ => {}
        }
        self.sequence = sequence;
    }

    fn set(&mut self, mode: u16, is_on: bool) {
        if ALTERNATE.contains(&mode) {
            self.alternate = is_on.then_some(mode);
        }
        let known = KNOWN.iter().find(|(known, _)| *known == mode);
        match known {
            Some((_, first)) if *first == is_on => drop(self.changed.remove(&mode)),
            Some(_) => drop(self.changed.insert(mode, is_on)),
            None => {}
        }
    }
}

/// Whether these are parameters of digits alone.
fn is_number(parameters: &[u8]) -> bool {
    parameters
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(output: &str) -> Modes {
        let mut modes = Modes::default();
        modes.follow(output.as_bytes());
        modes
    }

    fn restored(output: &str) -> String {
        String::from_utf8(after(output).restored()).expect("text")
    }

    #[test]
    fn a_table_of_outputs_and_what_is_put_back() {
        for (output, expected) in [
            ("plain text\r\n", ""),
            ("\x1b[?1049h\x1b[?25l", "\x1b[?1049h\x1b[?25l"),
            ("\x1b[?1049h\x1b[?25l\x1b[?25h\x1b[?1049l", ""),
            ("\x1b[?1000;1006h", "\x1b[?1000h\x1b[?1006h"),
            ("\x1b[?2004h\x1b[?2004l\x1b[?2004h", "\x1b[?2004h"),
            ("\x1b[5;20r\x1b[2 q", "\x1b[5;20r\x1b[2 q"),
            ("\x1b=\x1b[?1h", "\x1b[?1h\x1b[?66h"),
            ("\x1b[?1h\x1b=\x1b[2;3r\x1b[!p", ""),
            ("\x1b[?1049h\x1b[?7l\x1bc", ""),
            // Names of no known mode, and sequences that are none.
            ("\x1b[?99999999999h\x1b[?12345h\x1b[4h\x1b[31m\x1b(B", ""),
            ("\x1b[?25\x18l", ""),
            ("\x1b[?2\x1b[?25l", "\x1b[?25l"),
            // What stands in a string is no sequence.
            ("\x1b]0;title [?25l\x07", ""),
            ("\x1bP[?25l\x1b\\\x1b[?1004h", "\x1b[?1004h"),
            ("\x1b]0;cut off\x1b[?25l", "\x1b[?25l"),
        ] {
            assert_eq!(restored(output), expected, "{output:?}");
        }
    }

    #[test]
    fn it_matters_not_where_output_is_cut() {
        let output = "a\x1b[?1049h\x1b]0;한글\x07\x1b[?25l\x1b[3;9r\x1b[?1000;1006h한\x1b[4 q\x1b=";
        let whole = after(output);
        for cut in 0..output.len() {
            let mut modes = Modes::default();
            modes.follow(&output.as_bytes()[..cut]);
            modes.follow(&output.as_bytes()[cut..]);
            assert_eq!(modes.restored(), whole.restored(), "cut at {cut}");
        }
    }

    #[test]
    fn what_began_before_is_no_beginning() {
        for (before, next, expected) in [
            ("text", "more", 0),
            ("\x1b", "[31mred", 4),
            ("\x1b[3", "1mred", 2),
            ("\x1b]0;ti", "tle\x07x", 4),
            ("\x1b]0;ti", "tle\x1b\\x", 5),
        ] {
            let rest = after(before).rest(next.as_bytes());
            assert_eq!(rest, expected, "{before:?} {next:?}");
        }
        let (han, modes) = ("한".as_bytes(), Modes::default());
        assert_eq!((modes.rest(&han[1..]), modes.rest(&han[2..])), (2, 1));
    }

    #[test]
    fn a_sequence_without_end_is_not_kept() {
        let mut modes = after("\x1b[");
        modes.follow("1".repeat(100_000).as_bytes());
        assert!(modes.sequence.len() <= LONGEST + 1);
    }
}

//! What a page that comes back shows, beside one that stayed: any output, cut and come back to at any place.

use proptest::prelude::*;

use super::drawing::Size;
use super::output::Output;

const SIZE: Size = Size { cols: 30, rows: 8 };

/// Few, so that more comes quickly.
const KEPT: usize = 4 << 10;

/// A page's terminal.
struct Screen(avt::Terminal);

impl Screen {
    fn new() -> Self {
        let terminal = avt::Terminal::new(usize::from(SIZE.cols), usize::from(SIZE.rows));
        Self(terminal.expect("a size"))
    }

    fn show(&mut self, bytes: &[u8]) {
        self.0.feed(&*String::from_utf8_lossy(bytes));
    }

    /// All that is seen, with its colours, and where the cursor is.
    fn seen(&self) -> (Vec<String>, String) {
        let lines = self.0.screen().visible_lines();
        let lines = lines.map(|line| format!("{line:?}")).collect();
        (lines, format!("{:?}", self.0.cursor()))
    }
}

/// The rest of the stream from `from` on.
fn rest(output: &Output, mut from: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = output.piece(from, 1_000) {
        from += piece.len() as u64;
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// What a page shows that comes now and has seen nothing.
fn newcomer(output: &Output) -> Screen {
    let replay = output.replay(None, false);
    assert!(!replay.is_resumed);
    assert_eq!(replay.offset + replay.head.len() as u64, replay.from);
    let mut screen = Screen::new();
    screen.show(&[replay.head, rest(output, replay.from)].concat());
    screen
}

/// So much that whatever stood before is not kept any more.
fn flood() -> Vec<u8> {
    let line = b"all work and no play\r\n";
    line.iter()
        .copied()
        .cycle()
        .take(line.len() * (KEPT / line.len() + 1))
        .collect()
}

#[test]
fn an_editor_is_still_there_after_more_than_is_kept() {
    let mut output = Output::keeping(KEPT);
    let mut stayed = Screen::new();
    let put_out = |bytes: &[u8], output: &mut Output, stayed: &mut Screen| {
        for piece in bytes.chunks(100) {
            output.push(piece);
        }
        stayed.show(bytes);
    };
    put_out(
        b"$ vim\r\n\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[Htop\x1b[8;1Hbottom\x1b[3;5r",
        &mut output,
        &mut stayed,
    );
    // An editor draws; it scrolls no lines away.
    let drawing = b"\x1b[3;1Hone \xed\x95\x9c\x1b[4;1Htwo\x1b[K\x1b[5;9Hcursor".repeat(60);
    put_out(&drawing, &mut output, &mut stayed);
    assert!(output.wants_drawing());
    let drawn = output.draw(SIZE)();
    output.drawn(drawn);
    assert!(!output.wants_drawing());
    put_out(&drawing, &mut output, &mut stayed);
    // Drawn again where the first drawing has left.
    let drawn = output.draw(SIZE)();
    output.drawn(drawn);
    put_out(b"\x1b[4;1Hthree", &mut output, &mut stayed);
    let replay = output.replay(None, false);
    assert!(!replay.is_in_doubt);
    let all = [replay.head, rest(&output, replay.from)].concat();
    let text = String::from_utf8_lossy(&all);
    assert!(text.contains("\x1b[?2004h"), "paste is bracketed still");
    assert_eq!(newcomer(&output).seen(), stayed.seen());
    put_out(b"\x1b[?1049l\x1b[?25h\x1b[r$ ", &mut output, &mut stayed);
    assert_eq!(newcomer(&output).seen(), stayed.seen());
}

#[test]
fn tab_stops_are_drawn_as_every_terminal_understands_them() {
    let mut output = Output::keeping(KEPT);
    output.push(b"\x1b[3g\x1b[1;5H\x1bH\x1b[1;9H\x1bH");
    output.push(&flood());
    let drawn = output.draw(SIZE)();
    output.drawn(drawn);
    let head = output.replay(None, false).head;
    let head = String::from_utf8_lossy(&head);
    assert!(
        !head.contains('W'),
        "CTC is ECMA-48's, and xterm.js has none"
    );
    let mut screen = newcomer(&output);
    screen.show(b"\r\t\tx");
    let line = screen.0.screen().visible_lines().last();
    assert!(line.is_some_and(|line| line.text().trim_end().ends_with("        x")));
}

#[test]
fn what_was_never_drawn_is_in_doubt() {
    let mut output = Output::keeping(KEPT);
    output.push(b"\x1b[?1049h\x1b[?1006h");
    output.push(&flood());
    let replay = output.replay(None, false);
    assert!(replay.is_in_doubt);
    assert!(replay.head.starts_with(b"\x1bc\x1b[?1049h\x1b[?1006h"));
    // Neither is a drawing of what is left to be trusted, nor what is drawn upon it, until the screen begins anew.
    for _ in 0..2 {
        let drawn = output.draw(SIZE)();
        output.drawn(drawn);
        output.push(b"\x1b[5;1Hmore");
        assert!(output.replay(None, false).is_in_doubt);
    }
    output.push(b"\x1b[?1049l");
    assert!(!output.replay(None, false).is_in_doubt);
    let drawn = output.draw(SIZE)();
    output.drawn(drawn);
    output.push(b"\x1b[?1049h");
    assert!(!output.replay(None, false).is_in_doubt, "it begins empty");
}

#[test]
fn what_one_page_has_answered_is_no_news_to_the_next() {
    let mut output = Output::keeping(KEPT);
    output.push(b"one\x1b[c");
    assert_eq!(
        output.replay(None, false).no_news,
        0,
        "nobody was there to answer"
    );
    output.answered(6);
    output.push(b"two\x1b[6n");
    assert_eq!(output.replay(None, false).no_news, 6);
    assert_eq!(
        output.replay(Some(6), false).no_news,
        0,
        "it goes on with news"
    );
    output.push(b"three");
    output.answered(13);
    let no_news = |seen, others| output.replay(Some(seen), others).no_news;
    assert_eq!(
        no_news(6, false),
        0,
        "what it was sent last may not have come"
    );
    assert_eq!(no_news(6, true), 7, "another page has answered that");
    assert_eq!(no_news(15, true), 0, "nobody was there since");
    output.answered(2);
    assert_eq!(
        output.replay(None, false).no_news,
        13,
        "an earlier page was slower"
    );
    // Made anew, it is no news as a whole; what came after that is, as far as no page had it.
    output.push(&flood());
    let drawn = output.draw(SIZE)();
    let at = drawn.at;
    output.drawn(drawn);
    output.push(b"three");
    for (answered, beyond) in [(at - 1, 0), (at, 0), (at + 2, 2)] {
        output.answered(answered);
        let replay = output.replay(None, false);
        assert_eq!(replay.no_news, replay.head.len() as u64 + beyond);
    }
}

#[test]
fn a_page_goes_on_where_it_was() {
    let mut output = Output::keeping(KEPT);
    output.push(b"one two three");
    let replay = output.replay(Some(4), false);
    assert!(replay.is_resumed && replay.head.is_empty());
    assert_eq!(rest(&output, replay.from), b"two three");
    assert!(
        output.replay(Some(13), false).is_resumed,
        "nothing was missed"
    );
    for never in [14, u64::MAX] {
        let replay = output.replay(Some(never), false);
        assert!(!replay.is_resumed);
        assert_eq!(rest(&output, replay.from), b"one two three");
    }
    output.push(&flood());
    assert!(
        !output.replay(Some(4), false).is_resumed,
        "it is not kept any more"
    );
}

#[test]
fn no_more_is_kept_than_is_to_be() {
    let mut output = Output::keeping(KEPT);
    for _ in 0..3 {
        output.push(&vec![b'x'; KEPT + 10]);
        output.push(b"end");
    }
    assert_eq!(output.end(), 3 * (KEPT as u64 + 13));
    let replay = output.replay(None, false);
    let all = [replay.head, rest(&output, replay.from)].concat();
    assert!(all.len() <= KEPT + 100 && all.ends_with(b"end"));
}

/// A piece of what programs print.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,40}",
        Just("한글과 emoji 🦀".to_owned()),
        Just("\r\n".to_owned()),
        (1..9_u8, 1..31_u8).prop_map(|(row, col)| format!("\x1b[{row};{col}H")),
        (30..38_u8).prop_map(|color| format!("\x1b[1;{color}m")),
        Just("\x1b[0m".to_owned()),
        Just("\x1b[2J".to_owned()),
        Just("\x1b[K".to_owned()),
        Just("\x1b[?1049h".to_owned()),
        Just("\x1b[?1049l".to_owned()),
        Just("\x1b[?25l".to_owned()),
        Just("\x1b[?7l".to_owned()),
        Just("\x1b[?7h".to_owned()),
        (1..5_u8, 5..9_u8).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r")),
        Just("\x1b[r".to_owned()),
        Just("\x1bM".to_owned()),
        Just("\x1b7".to_owned()),
        Just("\x1b8".to_owned()),
        Just("\x1b[2L".to_owned()),
        Just("\t".to_owned()),
        Just("\x1bH".to_owned()),
        Just("\x1b[3g".to_owned()),
        Just("\x1b[3P".to_owned()),
        Just("\x1b]0;title\x07".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_page_that_returns_shows_what_one_that_stayed_does(
        pieces in prop::collection::vec(piece(), 1..60),
        drawn_at in 0..2_000_usize,
        came_at in 0..2_000_usize,
    ) {
        // After so much that nothing is shown from the beginning, and with a drawing at any byte.
        let before = [b"\x1b[3;7r\x1b[?1049h".to_vec(), flood(), b"\x1b[?1049l\x1b[r\x1b[H\x1b[2J".to_vec()].concat();
        let bytes = pieces.concat().into_bytes();
        let (drawn_at, came_at) = (drawn_at % (bytes.len() + 1), came_at % (bytes.len() + 1));
        let (mut output, mut stayed) = (Output::keeping(KEPT), Screen::new());
        output.push(&before[..before.len() - 100]);
        output.push(&before[before.len() - 100..]);
        output.push(&bytes[..drawn_at]);
        let drawn = output.draw(SIZE)();
        output.drawn(drawn);
        output.push(&bytes[drawn_at..]);
        stayed.show(&[before, bytes.clone()].concat());
        prop_assert_eq!(newcomer(&output).seen(), stayed.seen());
        // One that lost its connection goes on with the next byte.
        let (whole, at) = (output.end(), output.end() - (bytes.len() - came_at) as u64);
        let replay = output.replay(Some(at), false);
        prop_assert!(replay.is_resumed);
        prop_assert_eq!(rest(&output, replay.from).len() as u64, whole - at);
        prop_assert_eq!(rest(&output, replay.from), &bytes[came_at..]);
    }
}

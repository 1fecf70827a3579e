//! What a page may send wrongly, and what becomes of it.

use std::io::Write as _;

use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::*;

impl Page {
    /// Sends a message as it is.
    fn send(&mut self, message: Message) {
        self.socket.send(message).expect("sent");
    }

    /// How often it was told that it was not understood, by now.
    fn errors(&self) -> usize {
        let errors = self.told.iter().filter(|told| told["type"] == "error");
        errors
            .inspect(|told| assert_eq!(told["code"], "not-understood"))
            .count()
    }
}

#[test]
fn what_is_not_understood_is_said_and_ends_nothing() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    for (index, message) in [
        Message::text(""),
        Message::text("{\"type\":\"input\",\"data\":"),
        Message::text("[[[[[[[["),
        Message::text("{\"type\":\"dance\"}"),
        Message::text("{\"type\":\"input\",\"data\":7}"),
        Message::text("{\"type\":\"resize\",\"cols\":-80,\"rows\":24}"),
        Message::text("{\"type\":\"resize\",\"cols\":1e99,\"rows\":24}"),
        Message::text("{\"type\":\"ack\",\"bytes\":-1}"),
        Message::binary(vec![0xff, 0x00, 0x1b]),
    ]
    .into_iter()
    .enumerate()
    {
        page.send(message);
        while page.errors() <= index {
            assert!(page.read(), "closed: {:?}", page.closed);
        }
    }
    assert_eq!(page.output("stty size"), "24 80");
    assert_eq!(page.errors(), 9, "each was told of once: {:?}", page.told);
}

#[test]
fn sizes_are_held_within_what_a_terminal_can_have() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    for (cols, rows, expected) in [
        (0, 0, "24 80"),
        (80, 0, "24 80"),
        (1, 1, "1 1"),
        (65_535, 65_535, "2000 2000"),
        (u64::MAX, 30, "30 2000"),
    ] {
        page.say(&json!({"type": "resize", "cols": cols, "rows": rows}));
        assert_eq!(page.output("stty size"), expected, "{cols} {rows}");
    }
}

#[test]
fn a_message_in_pieces_is_one_message() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let text = json!({"type": "input", "data": "echo 한\"\"글 🙂\r"}).to_string();
    let bytes = text.as_bytes();
    // One byte a frame, so that each character is cut, and a ping in the middle of it (RFC 6455, section 5.4).
    for (index, byte) in bytes.iter().enumerate() {
        let kind = if index == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let is_last = index + 1 == bytes.len();
        let frame = Frame::message(vec![*byte], OpCode::Data(kind), is_last);
        page.send(Message::Frame(frame));
        if index == bytes.len() / 2 {
            page.send(Message::Ping("there?".into()));
        }
    }
    page.until("한글 🙂");
}

#[test]
fn a_ping_is_answered_with_what_it_said() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    page.send(Message::Ping("there?".into()));
    let answer = loop {
        match page.socket.read().expect("open") {
            Message::Pong(said) => break said,
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    };
    assert_eq!(&*answer, b"there?");
}

#[test]
fn a_text_that_is_none_ends_the_connection_and_not_the_session() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let session = page.session();
    let frame = Frame::message(vec![0xed, 0xa0, 0x80], OpCode::Data(Data::Text), true);
    page.send(Message::Frame(frame));
    let (code, reason) = page.farewell();
    assert_eq!((code, reason.as_str()), (1007, "a message was not UTF-8"));
    let mut page = Page::come(&world, project.root(), &format!("session={session}"));
    page.type_in("echo still $((1 + 1))\r");
    page.until("still 2");
    // Neither does one that is too long, of which no more than its head comes: a frame of 1 MiB and a byte.
    let mut head = vec![0x81, 0x80 | 127];
    head.extend(((1_u64 << 20) + 1).to_be_bytes());
    head.extend([0; 4]);
    page.socket.get_mut().write_all(&head).expect("sent");
    let (code, reason) = page.farewell();
    assert_eq!((code, reason.contains("longer than 1048576")), (1009, true));
    let mut page = Page::come(&world, project.root(), &format!("session={session}"));
    page.type_in("echo still $((1 + 2))\r");
    page.until("still 3");
}

#[test]
fn a_page_goes_on_from_any_byte_and_from_no_place_that_is_none() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let session = page.session();
    page.type_in("PS1=; clear; printf '한글 🙂 e\\314\\201 en'd'\\n'\r");
    page.until("end\r\n");
    let all = page.shown.clone();
    let from = all.len() - "한글 🙂 e\u{301} end\r\n".len();
    for seen in from..all.len() {
        let wish = format!("session={session}&offset={seen}");
        let mut next = Page::come(&world, project.root(), &wish);
        assert_eq!(
            (&next.ready()["resumed"], &next.ready()["offset"]),
            (&json!(true), &json!(seen))
        );
        next.until(&String::from_utf8_lossy(&all[all.len() - 1..]));
        assert_eq!(next.shown, all[seen..], "from {seen}");
    }
    for seen in [all.len() as u64 + 1, u64::MAX] {
        let wish = format!("session={session}&offset={seen}");
        let mut next = Page::come(&world, project.root(), &wish);
        assert_eq!(next.ready()["resumed"], false, "{seen}");
        next.until("end\r\n");
        assert_eq!(next.shown, all, "from the beginning");
    }
}

#[test]
fn the_page_that_came_last_has_the_session() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut first = Page::come(&world, project.root(), "");
    let wish = format!("session={}", first.session());
    let mut second = Page::come(&world, project.root(), &wish);
    let mut third = Page::come(&world, project.root(), &wish);
    for page in [&mut first, &mut second] {
        let expected = "another page has taken this session up".to_owned();
        assert_eq!(page.farewell(), (4409, expected));
    }
    assert_eq!(third.output("echo one of $((1 + 2))"), "one of 3");
    assert_eq!(list(&world).as_array().map(Vec::len), Some(1));
}

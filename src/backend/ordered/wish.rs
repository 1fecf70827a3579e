//! What is wanted of a project: what it orders, as far as its person allowed that and the toolkit is on there.

use crate::host::Host;
use crate::project::{Config, Project, SupervisedOrder};
use crate::store::{Allowed, OrdersStanding};

/// What to type, where nobody has.
const ALLOW: &str = "`aim-venv-sync allow` there shows it and asks";

/// A command that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) order: SupervisedOrder,
    /// By what it is known.
    pub(super) digest: String,
}

/// What is wanted.
#[derive(Debug)]
pub(super) enum Wish {
    /// These commands and no others.
    These(Vec<Wanted>),
    /// What is run goes on: what is ordered now was not allowed yet.
    AsBefore { is_news: String },
    /// None, and why where that may surprise.
    Nothing { is_news: Option<String> },
}

impl Wish {
    /// What is to be told of it.
    pub(super) fn news(&self) -> Option<&str> {
        match self {
            Self::These(_) => None,
            Self::AsBefore { is_news } => Some(is_news),
            Self::Nothing { is_news } => is_news.as_deref(),
        }
    }
}

/// What is wanted of `project`. Reads the person's files.
pub(super) fn wanted_of(host: &Host, project: &Project) -> Wish {
    let config = Config::load(host, Some(&project.layout()));
    let standing = Allowed::of(host).map_or(OrdersStanding::Nothing, |allowed| {
        allowed.standing(project.root(), &config.orders)
    });
    let told = |why: &str| format!("what .aim.toml has run {why}");
    match standing {
        OrdersStanding::Nothing => Wish::Nothing { is_news: None },
        _ if !config.enabled.value => Wish::Nothing {
            is_news: Some(told("is not run: the toolkit is switched off there")),
        },
        OrdersStanding::Allowed => {
            let orders = config.orders.supervised.into_iter();
            let wanted = |order: SupervisedOrder| Wanted {
                digest: order.digest(),
                order,
            };
            Wish::These(orders.map(wanted).collect())
        }
        OrdersStanding::Changed => Wish::AsBefore {
            is_news: told(&format!("has changed since it was allowed: {ALLOW}")),
        },
        OrdersStanding::NotAllowed => Wish::Nothing {
            is_news: Some(told(&format!("was not allowed: {ALLOW}"))),
        },
        OrdersStanding::NotYours => Wish::Nothing {
            is_news: Some(told("is not run: the project is another person's")),
        },
    }
}

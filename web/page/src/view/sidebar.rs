//! The conversations that are kept.

use super::{icon, icon_button};
use crate::app::conversation::Summary;
use crate::app::{Action, App, Field};
use crate::tree::{Element, el};

pub fn view(app: &App) -> Element {
    let open = if app.sidebar { "true" } else { "false" };
    let none = (app.chats_read && app.chats.is_empty()).then(|| {
        el("p")
            .class("quiet-note")
            .text("Conversations are kept here, on this device only.")
    });
    el("div")
        .class("side")
        .attr("data-open", open)
        .child(el("div").class("scrim").press(Action::ShowSidebar(false)))
        .child(
            el("nav")
                .class("sidebar")
                .testid("sidebar")
                .label("Conversations")
                .child(brand())
                .child(
                    el("button")
                        .attr("type", "button")
                        .class("button new-chat")
                        .testid("new-chat")
                        .press(Action::NewChat)
                        .child(icon("plus"))
                        .text("New conversation"),
                )
                .maybe(none)
                .child(
                    el("ul")
                        .class("chats")
                        .testid("chats")
                        .children(app.chats.iter().map(|chat| item(app, chat))),
                )
                .maybe(app.not_kept.as_ref().map(|why| {
                    el("p").class("quiet-note").testid("not-kept").text(format!(
                        "Conversations cannot be kept in this window: {why}"
                    ))
                })),
        )
}

fn brand() -> Element {
    el("div")
        .class("brand")
        .child(icon("retort"))
        .child(el("span").text("Retort"))
        .child(
            icon_button("close", "Close the list", Action::ShowSidebar(false))
                .testid("close-sidebar"),
        )
}

fn item(app: &App, chat: &Summary) -> Element {
    let current = app.chat.conversation.id == chat.id;
    if let Some((id, title)) = &app.rename
        && *id == chat.id
    {
        return el("li").key(format!("rename-{id}")).child(
            el("input")
                .attr("type", "text")
                .class("rename")
                .testid("rename-text")
                .label("Title of the conversation")
                .value(title.clone())
                .input(Field::Title)
                .enter(Action::CommitRename)
                .escape(Action::CancelRename)
                .left(Action::CommitRename),
        );
    }
    let title = if chat.title.is_empty() {
        "Untitled".to_owned()
    } else {
        chat.title.clone()
    };
    let open = el("button")
        .attr("type", "button")
        .class("chat-title")
        .testid("chat")
        .attr("title", title.clone())
        .press(Action::OpenChat(chat.id.clone()))
        .text(title.clone());
    let open = if current {
        open.attr("aria-current", "page")
    } else {
        open
    };
    el("li")
        .key(chat.id.clone())
        .child(open)
        .child(
            icon_button(
                "edit",
                format!("Rename {title}"),
                Action::Rename(chat.id.clone()),
            )
            .testid("rename-chat"),
        )
        .child(
            icon_button(
                "trash",
                format!("Delete {title}"),
                Action::DeleteChat(chat.id.clone()),
            )
            .testid("delete-chat"),
        )
}

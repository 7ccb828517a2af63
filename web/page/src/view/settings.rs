//! Settings, and what the engine runs on.

use retort_protocol::DevicePreference;

use super::{button, dialog as dialog_frame};
use crate::app::settings::{Setting, Settings};
use crate::app::{Action, App, Dialog, Field, format};
use crate::tree::{Element, el};

pub fn dialog(app: &App) -> Element {
    let frame = dialog_frame(app, Dialog::Settings);
    if app.dialog != Some(Dialog::Settings) {
        return frame;
    }
    frame.child(
        el("div")
            .class("dialog-body")
            .child(system(app))
            .child(sampling(app))
            .child(engine(app)),
    )
}

fn system(app: &App) -> Element {
    el("section")
        .child(
            el("h3").child(
                el("label")
                    .attr("for", "system-prompt")
                    .text("System prompt"),
            ),
        )
        .child(
            el("textarea")
                .attr("id", "system-prompt")
                .testid("system-prompt")
                .attr("rows", "3")
                .attr("placeholder", "None. R1 models do best without one.")
                .value(app.chat.conversation.system.clone())
                .input(Field::System),
        )
        .child(
            el("p")
                .class("quiet-note")
                .text("For this conversation and those that you begin."),
        )
}

fn sampling(app: &App) -> Element {
    el("section")
        .child(
            el("div")
                .class("row")
                .child(el("h3").text("Sampling"))
                .child(el("span").class("spring"))
                .child(
                    button("Model's defaults", Action::ResetSampling)
                        .class("button plain")
                        .testid("reset-sampling"),
                ),
        )
        .child(
            el("div")
                .class("grid")
                .children(Setting::SAMPLING.map(|setting| number(app, setting))),
        )
}

fn number(app: &App, setting: Setting) -> Element {
    let typed = app
        .typed
        .iter()
        .find(|(other, _)| *other == setting)
        .map(|(_, text)| text);
    let refused = typed.and_then(|text| Settings::default().write(setting, text).err());
    let shown = typed.cloned().unwrap_or_else(|| app.settings.read(setting));
    let model = app.engine.model.as_ref().map(|(_, model)| &model.sampling);
    let help = format!("{}-help", setting.id());
    let explanation = match refused {
        Some(range) => el("small")
            .class("refused")
            .text(format!("has to be {range}")),
        None => el("small").text(setting.explanation()),
    };
    el("div")
        .class("number")
        .child(el("label").attr("for", setting.id()).text(setting.label()))
        .child(
            el("input")
                .attr("id", setting.id())
                .attr("type", "text")
                .attr("inputmode", "decimal")
                .attr("autocomplete", "off")
                .testid(format!("setting-{}", setting.id()))
                .attr("placeholder", setting.default_value(model))
                .attr(
                    "aria-invalid",
                    if refused.is_some() { "true" } else { "false" },
                )
                .attr("aria-describedby", help.clone())
                .value(shown)
                .input(Field::Setting(setting)),
        )
        .child(explanation.attr("id", help))
}

fn engine(app: &App) -> Element {
    let preference = match app.settings.device {
        DevicePreference::Auto => "auto",
        DevicePreference::Gpu => "gpu",
        DevicePreference::Cpu => "cpu",
    };
    let option =
        |value: &'static str, name: &'static str| el("option").attr("value", value).text(name);
    let device = el("div")
        .class("number")
        .child(el("label").attr("for", "device").text("Compute on"))
        .child(
            el("select")
                .attr("id", "device")
                .testid("device")
                .value(preference)
                .input(Field::Device)
                .child(option("auto", "Automatic"))
                .child(option("gpu", "WebGPU"))
                .child(option("cpu", "CPU")),
        )
        .child(el("small").text("a change reloads the engine"));
    el("section")
        .child(el("h3").text("Engine"))
        .child(
            el("div")
                .class("grid")
                .child(device)
                .child(number(app, Setting::Context)),
        )
        .child(facts(app))
}

/// What runs where, and how much memory it takes.
fn facts(app: &App) -> Element {
    let mut list = el("dl").class("facts").testid("engine-facts");
    let row = |list: Element, name: &'static str, id: &'static str, value: String| {
        list.child(el("dt").text(name))
            .child(el("dd").testid(id).text(value))
    };
    if let Some(device) = &app.engine.device {
        let software = if device.software {
            " (in software)"
        } else {
            ""
        };
        list = row(
            list,
            "Adapter",
            "adapter",
            format!("{}{software}", device.adapter),
        );
        let half = if device.f16 { "yes" } else { "no" };
        list = row(list, "16-bit floats", "f16", half.to_owned());
        if let Some(binding) = device.max_binding {
            list = row(
                list,
                "Largest binding",
                "max-binding",
                format::bytes(binding),
            );
        }
    }
    if let Some((_, model)) = &app.engine.model {
        list = row(
            list,
            "Student",
            "model",
            format!("{}, {}", model.name, model.architecture),
        );
        list = row(
            list,
            "Parameters",
            "parameters",
            format::parameters(model.parameters),
        );
        list = row(list, "Precision", "precision", model.precision.clone());
        list = row(
            list,
            "Weights",
            "weights",
            format::bytes(model.weight_bytes),
        );
        let cache = format!(
            "{} for {}",
            format::bytes(model.kv_cache_bytes),
            format::count(model.context, "token")
        );
        list = row(list, "KV cache", "kv-cache", cache);
    }
    list
}

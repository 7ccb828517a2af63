//! What a configuration may ask for.

use retort_text::LocalTime;

use super::{BatchSize, RunConfig};
use crate::TrainError;
use crate::optimizer::Settings;

impl RunConfig {
    pub(super) fn validate(&self) -> Result<(), TrainError> {
        let wrong = |field: &'static str, expected: &'static str, got: String| {
            Err(TrainError::Config {
                field,
                expected,
                got,
            })
        };
        if self.data.files.is_empty() {
            return wrong("data.files", "at least one file", "none".into());
        }
        if self.steps.is_some() && self.epochs.is_some() {
            return wrong("steps and epochs", "one of the two", "both".into());
        }
        if self.steps == Some(0) {
            return wrong("steps", "1 or more", "0".into());
        }
        if let Some(epochs) = self
            .epochs
            .filter(|epochs| !(*epochs > 0.0 && *epochs < 1e6))
        {
            return wrong("epochs", "over 0 and below a million", epochs.to_string());
        }
        if let Some(theta) = self
            .student
            .rope_theta
            .filter(|theta| !(*theta > 0.0 && theta.is_finite()))
        {
            return wrong("student.rope_theta", "a positive number", theta.to_string());
        }
        if let Some(context) = self.student.context.filter(|n| !(2..=1 << 22).contains(n)) {
            return wrong("student.context", "2 to 4194304", context.to_string());
        }
        let rate = self.learning_rate.unwrap_or(1e-5);
        if !(rate > 0.0 && rate < 10.0) {
            return wrong("learning_rate", "over 0 and below 10", rate.to_string());
        }
        if !(2..=1 << 22).contains(&self.data.max_length) {
            let got = self.data.max_length.to_string();
            return wrong("data.max_length", "2 to 4194304", got);
        }
        if let Some(date) = self.data.date.as_deref()
            && LocalTime::from_date(date).is_none()
        {
            return wrong("data.date", "a day as YYYY-MM-DD", date.to_owned());
        }
        let BatchSize {
            sequences,
            micro_batch,
        } = self.batch;
        if !(1..=1 << 20).contains(&sequences) {
            return wrong("batch.sequences", "1 to 1048576", sequences.to_string());
        }
        if !(1..=sequences).contains(&micro_batch) {
            let got = micro_batch.to_string();
            return wrong("batch.micro_batch", "1 to batch.sequences", got);
        }
        let course = self.schedule;
        if !(course.warmup >= 0.0 && course.warmup < 1e9) {
            return wrong(
                "schedule.warmup",
                "a share or a number of steps",
                course.warmup.to_string(),
            );
        }
        if !(0.0..=1.0).contains(&course.floor) {
            return wrong("schedule.floor", "0 to 1", course.floor.to_string());
        }
        if course.max_grad_norm.is_nan() || course.max_grad_norm < 0.0 {
            let got = course.max_grad_norm.to_string();
            return wrong("schedule.max_grad_norm", "0 or more", got);
        }
        let unit = |x: f32| (0.0..1.0).contains(&x);
        let Settings {
            betas,
            epsilon,
            weight_decay,
            momentum,
            ..
        } = self.optimizer;
        if !(unit(betas.0) && unit(betas.1) && unit(momentum)) {
            let got = format!("{betas:?} and {momentum}");
            return wrong("optimizer.betas or momentum", "0 to below 1", got);
        }
        if !(epsilon > 0.0 && (0.0..1.0).contains(&weight_decay)) {
            let got = format!("{epsilon} and {weight_decay}");
            return wrong(
                "optimizer.epsilon or weight_decay",
                "over 0, and 0 to below 1",
                got,
            );
        }
        if let Some(lora) = &self.lora {
            if !(1..=4096).contains(&lora.rank) {
                return wrong("lora.rank", "1 to 4096", lora.rank.to_string());
            }
            if lora.targets.is_empty() {
                return wrong("lora.targets", "at least one projection", "none".into());
            }
        }
        if self.samples.temperature < 0.0 || !self.samples.temperature.is_finite() {
            let got = self.samples.temperature.to_string();
            return wrong("samples.temperature", "0 or more", got);
        }
        Ok(())
    }
}

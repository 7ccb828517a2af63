//! Which tensor of a GGUF file gets which type.

use retort_config::{Role, Tensor};
use retort_formats::GgmlType;

use crate::gguf::GgufKind;

/// The type of a tensor. See [`GgufKind`] for the rules.
pub(crate) fn tensor_type(kind: GgufKind, tensor: &Tensor, layers: usize, tied: bool) -> GgmlType {
    let is_output = tensor.role == Role::Output || (tied && tensor.role == Role::Embedding);
    let wanted = match (kind, tensor.role) {
        (_, Role::Vector) => return GgmlType::F32,
        (GgufKind::F16, _) => GgmlType::F16,
        (GgufKind::Q8_0, _) => GgmlType::Q8_0,
        (GgufKind::Q4_0 | GgufKind::Q4_K, _) if is_output => GgmlType::Q6_K,
        (GgufKind::Q4_0, _) => GgmlType::Q4_0,
        (GgufKind::Q4_K, Role::Value | Role::Down) if is_sensitive(tensor.layer, layers) => {
            GgmlType::Q6_K
        }
        (GgufKind::Q4_K, _) => GgmlType::Q4_K,
    };
    [wanted, GgmlType::Q8_0]
        .into_iter()
        .find(|ty| tensor.cols().is_multiple_of(ty.block_len()))
        .unwrap_or(GgmlType::F16)
}

/// The blocks whose v and down projections get more bits, as in llama.cpp's Q4_K_M: the first and
/// the last eighth, and every third between.
fn is_sensitive(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(role: Role, layer: usize, cols: usize) -> Tensor {
        Tensor {
            name: String::new(),
            gguf_name: String::new(),
            shape: vec![4, cols],
            role,
            layer,
        }
    }

    #[test]
    fn types_follow_the_documented_rules() {
        use GgmlType as Ty;
        for (kind, role, layer, cols, tied, expected) in [
            (GgufKind::F16, Role::Matrix, 0, 250, false, Ty::F16),
            (GgufKind::Q4_K, Role::Vector, 0, 256, false, Ty::F32),
            (GgufKind::Q8_0, Role::Embedding, 0, 64, true, Ty::Q8_0),
            (GgufKind::Q8_0, Role::Matrix, 0, 48, false, Ty::F16),
            (GgufKind::Q4_0, Role::Matrix, 0, 64, false, Ty::Q4_0),
            (GgufKind::Q4_0, Role::Embedding, 0, 256, false, Ty::Q4_0),
            (GgufKind::Q4_0, Role::Embedding, 0, 256, true, Ty::Q6_K),
            (GgufKind::Q4_0, Role::Embedding, 0, 64, true, Ty::Q8_0),
            (GgufKind::Q4_0, Role::Output, 0, 256, false, Ty::Q6_K),
            (GgufKind::Q4_K, Role::Output, 0, 256, false, Ty::Q6_K),
            (GgufKind::Q4_K, Role::Matrix, 0, 256, false, Ty::Q4_K),
            (GgufKind::Q4_K, Role::Matrix, 0, 576, false, Ty::Q8_0),
            (GgufKind::Q4_K, Role::Value, 0, 256, false, Ty::Q6_K),
            (GgufKind::Q4_K, Role::Down, 3, 256, false, Ty::Q4_K),
            (GgufKind::Q4_K, Role::Down, 5, 256, false, Ty::Q6_K),
            (GgufKind::Q4_K, Role::Down, 23, 256, false, Ty::Q6_K),
            (GgufKind::Q4_K, Role::Matrix, 0, 48, false, Ty::F16),
        ] {
            let got = tensor_type(kind, &tensor(role, layer, cols), 24, tied);
            assert_eq!(got, expected, "{kind:?} {role:?} {layer} {cols} {tied}");
        }
    }
}

//! The same functions, compiled for AVX2 and for AVX-512.

use crate::hybrid::{GATES, Memory, UNITS};
use crate::kernel::{Checked, Floats, Kernel};

pub(super) fn cell_avx2(
    checked: Checked,
    gates: &Floats<GATES>,
    c: &mut Floats<UNITS>,
    h: &mut Floats<UNITS>,
) {
    #[target_feature(enable = "avx2,fma")]
    fn run(gates: &Floats<GATES>, c: &mut Floats<UNITS>, h: &mut Floats<UNITS>) {
        super::cell(gates, c, h);
    }
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx2 and fma.
    unsafe { run(gates, c, h) }
}

pub(super) fn cell_avx512(
    checked: Checked,
    gates: &Floats<GATES>,
    c: &mut Floats<UNITS>,
    h: &mut Floats<UNITS>,
) {
    #[target_feature(enable = "avx512f")]
    fn run(gates: &Floats<GATES>, c: &mut Floats<UNITS>, h: &mut Floats<UNITS>) {
        super::cell(gates, c, h);
    }
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx512f.
    unsafe { run(gates, c, h) }
}

pub(super) fn attend_avx2(
    checked: Checked,
    memory: &Memory,
    h: &Floats<UNITS>,
    context: &mut Floats<UNITS>,
) {
    #[target_feature(enable = "avx2,fma")]
    fn run(memory: &Memory, h: &Floats<UNITS>, context: &mut Floats<UNITS>) {
        super::attend(memory, h, context);
    }
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx2 and fma.
    unsafe { run(memory, h, context) }
}

pub(super) fn attend_avx512(
    checked: Checked,
    memory: &Memory,
    h: &Floats<UNITS>,
    context: &mut Floats<UNITS>,
) {
    #[target_feature(enable = "avx512f")]
    fn run(memory: &Memory, h: &Floats<UNITS>, context: &mut Floats<UNITS>) {
        super::attend(memory, h, context);
    }
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx512f.
    unsafe { run(memory, h, context) }
}

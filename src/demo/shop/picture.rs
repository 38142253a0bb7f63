//! Drawings of the goods, tinted by colour. They say nothing that the text beside them does not.

use maud::{Markup, html};

/// The drawing of a product.
pub(super) fn picture(product: &str, colour: Option<&str>) -> Markup {
    let shape = match product {
        clogs if clogs.ends_with("-clogs") => clog(),
        "wool-socks" => socks(),
        "clog-cream" => jar(),
        cheese if cheese.starts_with("cheese") => wedge(),
        _ => cloth(),
    };
    let tint = colour.unwrap_or(match product {
        cheese if cheese.starts_with("cheese") => "cheese",
        _ => "plain",
    });
    html! {
        svg.picture viewBox="0 0 120 84" aria-hidden="true" data-tint=(tint) { (shape) }
    }
}

/// A wooden sole with a heel.
const SOLE: &str =
    "M10 53h104c2 9-2 15-12 15H88c-8 0-9-6-17-6H52c-6 0-5 9-12 9H15C8 71 7 60 10 53z";

fn clog() -> Markup {
    html! {
        path.tint d="M12 50C10 33 16 21 27 19c9-2 15 7 27 11 19 6 46 6 56 17 3 4 3 7 3 9H13z" {}
        path.shade d="M27 19c9-2 15 7 27 11-9 6-26 6-35-1 1-5 4-9 8-10z" {}
        path.wood d=(SOLE) {}
        g.pins {
            @for x in [24, 36, 48, 60, 72, 84, 96] { circle cx=(x) cy="56" r="1.3" {} }
        }
    }
}

/// A sock from the corner of its cuff.
const SOCK: &str = "h22v36c0 5-2 8-6 11l-18 14c-7 5-18 0-18-9 0-4 2-7 5-9l12-8c2-2 3-4 3-7z";

fn socks() -> Markup {
    html! {
        @for x in [34, 70] {
            path.tint d=(format!("M{x} 10{SOCK}")) {}
        }
        path.shade d="M34 10h22v8H34zM70 10h22v8H70z" {}
    }
}

fn jar() -> Markup {
    html! {
        rect.wood x="34" y="16" width="52" height="15" rx="4" {}
        path.tint d="M30 34h60v30c0 6-4 9-9 9H39c-5 0-9-3-9-9z" {}
        rect.label x="38" y="44" width="44" height="17" rx="2" {}
    }
}

fn wedge() -> Markup {
    html! {
        path.tint d="M10 48 74 16c18 2 32 14 36 30v2z" {}
        path.tint d="M10 48h100v24H10z" {}
        path.shade d="M10 48h100v3H10z" {}
        circle.shade cx="34" cy="61" r="5" {}
        circle.shade cx="66" cy="64" r="4" {}
        circle.shade cx="90" cy="59" r="6" {}
    }
}

fn cloth() -> Markup {
    html! {
        path.tint d="M18 20h66c9 0 9 18 0 18H30v34H18z" {}
        path.tint d="M30 38h66v34H30z" {}
        ellipse.shade cx="84" cy="29" rx="6" ry="9" {}
        path.weave d="M40 38v34M52 38v34M64 38v34M76 38v34M88 38v34M30 48h66M30 60h66" {}
    }
}

//! Names of locales that have an order of their own, or are known to use the root one.

/// Languages of which CLDR says how they sort. Those that are not tailored sort as the root does.
const LANGUAGES: &[&str] = &[
    "af", "am", "ar", "as", "az", "be", "bg", "bn", "bo", "br", "bs", "ca", "ceb", "chr", "cs",
    "cy", "da", "de", "dsb", "dz", "ee", "el", "en", "eo", "es", "et", "fa", "ff", "fi", "fil",
    "fo", "fr", "fy", "ga", "gl", "gu", "ha", "haw", "he", "hi", "hr", "hsb", "hu", "hy", "id",
    "ig", "is", "it", "ja", "ka", "kk", "kl", "km", "kn", "ko", "kok", "ku", "ky", "lb", "lij",
    "lkt", "ln", "lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl",
    "nn", "no", "nso", "om", "or", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "se", "si", "sk",
    "sl", "smn", "sq", "sr", "sv", "sw", "ta", "te", "th", "tk", "tn", "to", "tr", "ug", "uk",
    "und", "ur", "uz", "vi", "wae", "wo", "xh", "yi", "yo", "yue", "zh", "zu",
];

/// Scripts that are known of a language.
const SCRIPTS: &[(&str, &str)] = &[
    ("bs", "Cyrl"),
    ("bs", "Latn"),
    ("ff", "Adlm"),
    ("ff", "Latn"),
    ("sr", "Cyrl"),
    ("sr", "Latn"),
    ("yue", "Hans"),
    ("yue", "Hant"),
    ("zh", "Hans"),
    ("zh", "Hant"),
];

/// Orders that a language has besides its usual one: the language, the name in a locale, and the
/// name that ICU gives it.
pub(super) const TYPES: &[(&str, &str, &str)] = &[
    ("ar", "compat", "compat"),
    ("bn", "trad", "traditional"),
    ("de", "phonebk", "phonebook"),
    ("es", "trad", "traditional"),
    ("fi", "trad", "traditional"),
    ("ja", "unihan", "unihan"),
    ("kn", "trad", "traditional"),
    ("ko", "unihan", "unihan"),
    ("si", "dict", "dictionary"),
    ("sv", "trad", "traditional"),
    ("vi", "trad", "traditional"),
    ("zh", "pinyin", "pinyin"),
    ("zh", "stroke", "stroke"),
    ("zh", "unihan", "unihan"),
    ("zh", "zhuyin", "zhuyin"),
];

/// A locale in its usual spelling (BCP 47), from that or ICU's: `de-AT`, `en_US`,
/// `de-u-co-phonebk`, `de@collation=phonebook`.
///
/// # Errors
/// Why it is no locale that has an order.
pub(super) fn canonical(written: &str) -> Result<String, String> {
    if written.eq_ignore_ascii_case("simple") {
        return Err("the simple order is that of queries without a collation".to_owned());
    }
    let (tag, keyword) = match written.split_once('@') {
        None => (written, None),
        Some((tag, keyword)) => match keyword.strip_prefix("collation=") {
            Some(name) => (tag, Some(name)),
            None => return Err(format!("there is no locale '{written}'")),
        },
    };
    let unknown = || format!("there is no order for the locale '{written}'");
    let mut subtags = tag.split(['-', '_']).peekable();
    let language = subtags.next().unwrap_or_default().to_ascii_lowercase();
    if !LANGUAGES.contains(&language.as_str()) {
        return Err(unknown());
    }
    let mut locale = language.clone();
    if let Some(script) = subtags.next_if(|tag| tag.len() == 4 && is_alphabetic(tag)) {
        let known =
            SCRIPTS.iter().find(|(of, name)| *of == language && name.eq_ignore_ascii_case(script));
        let (_, name) = known.ok_or_else(unknown)?;
        locale = format!("{locale}-{name}");
    }
    let is_region = |tag: &&str| {
        tag.len() == 2 && is_alphabetic(tag)
            || tag.len() == 3 && tag.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some(region) = subtags.next_if(is_region) {
        locale = format!("{locale}-{}", region.to_ascii_uppercase());
    }
    if locale == "en-US" && subtags.next_if(|tag| tag.eq_ignore_ascii_case("posix")).is_some() {
        locale.push_str("-posix");
    }
    let rest: Vec<String> = subtags.map(str::to_ascii_lowercase).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let named = match (rest.as_slice(), keyword) {
        ([], keyword) => keyword,
        (["u", "co", name], None) => Some(*name),
        (["u", ..], None) => {
            return Err(format!("'{written}': of the keys behind -u- there is only co here"));
        }
        _ => return Err(unknown()),
    };
    match named {
        None | Some("standard") => Ok(locale),
        Some(name) => {
            let known = TYPES
                .iter()
                .find(|(of, short, long)| *of == language && (*short == name || *long == name));
            match known {
                Some((_, short, _)) => Ok(format!("{locale}-u-co-{short}")),
                None => Err(format!("the locale '{locale}' has no order '{name}'")),
            }
        }
    }
}

fn is_alphabetic(tag: &str) -> bool {
    tag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_have_one_spelling() {
        for (written, canonical_form) in [
            ("fr", "fr"),
            ("FR_ca", "fr-CA"),
            ("zh-hant-TW", "zh-Hant-TW"),
            ("sr_Latn", "sr-Latn"),
            ("es-419", "es-419"),
            ("en_US_POSIX", "en-US-posix"),
            ("de-u-co-phonebk", "de-u-co-phonebk"),
            ("de_AT@collation=phonebook", "de-AT-u-co-phonebk"),
            ("sv-u-co-standard", "sv"),
            ("und", "und"),
        ] {
            assert_eq!(canonical(written).as_deref(), Ok(canonical_form), "{written}");
        }
    }

    #[test]
    fn what_has_no_order_is_refused() {
        for written in [
            "",
            "simple",
            "xx",
            "tlh",
            "fr-Cyrl",
            "de-u-co-pinyin",
            "de-u-kn-true",
            "fr-",
            "fr--CA",
            "de@collation=",
            "de@numbers=latn",
            "en-US-US",
            "fr_FR_EURO",
            "zh-Hant-u-co",
            "é",
            "en-u-co-search",
            "french",
            "de-u-co-phonebk@collation=phonebook",
        ] {
            assert!(canonical(written).is_err(), "{written}");
        }
    }
}

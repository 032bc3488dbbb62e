//! Orders of languages, and what they depend on.

use super::*;

fn collation(locale: &str, change: impl FnOnce(&mut Request)) -> Collation {
    let mut request = Request { locale: locale.to_owned(), ..Request::default() };
    change(&mut request);
    Collation::new(&request).unwrap()
}

fn bytes(collation: &Collation, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    collation.push_utf8(&mut out, text);
    out
}

/// Words sorted, joined by what stands between them: `<`, or `=` where they are equal.
fn sorted(collation: &Collation, words: &str) -> String {
    let mut keys: Vec<_> = words.split(' ').map(|word| (bytes(collation, word), word)).collect();
    keys.sort();
    let mut text = keys[0].1.to_owned();
    for pair in keys.windows(2) {
        text.push_str(if pair[0].0 == pair[1].0 { " = " } else { " < " });
        text.push_str(pair[1].1);
    }
    text
}

#[test]
fn languages_have_their_orders() {
    let order = |locale: &str, words: &str| sorted(&collation(locale, |_| ()), words);
    assert_eq!(
        order("de", "zebra ärger strasse straße arger"),
        "arger < ärger < strasse < straße < zebra"
    );
    assert_eq!(order("sv", "ö zon ä å and"), "and < zon < å < ä < ö");
    assert_eq!(order("de-u-co-phonebk", "ad äd ae af"), "ad < ae < äd < af");
    assert_eq!(order("de", "ad äd ae af"), "ad < äd < ae < af");
    assert_eq!(order("fr", "côté cote coté côte"), "cote < coté < côte < côté");
    assert_eq!(order("fr-CA", "côté cote coté côte"), "cote < côte < coté < côté");
    assert_eq!(order("es-u-co-trad", "chico cuna dama"), "cuna < chico < dama");
    assert_eq!(order("es", "chico cuna dama"), "chico < cuna < dama");
    for norwegian in ["nb", "no", "nn"] {
        assert_eq!(order(norwegian, "z å ø æ a"), "a < z < æ < ø < å");
    }
    assert_eq!(order("da", "a A"), "A < a", "Danish has upper case first");
    assert_eq!(order("en-US-posix", "a B A b"), "A < B < a < b");
}

#[test]
fn options_change_the_order() {
    use Strength::{Identical, Primary, Quaternary, Secondary};
    let with = |change: fn(&mut Request)| collation("en", change);
    let strength = |strength, words| {
        sorted(
            &collation("en", |request| {
                request.strength = Some(strength);
            }),
            words,
        )
    };
    assert_eq!(strength(Primary, "a A á b"), "A = a = á < b");
    assert_eq!(strength(Secondary, "a A á b"), "A = a < á < b");
    assert_eq!(sorted(&with(|_| ()), "a A á b"), "a < A < á < b");
    // A Hebrew accent counts for nothing but at the last level.
    assert_eq!(strength(Quaternary, "דחי דחי֭"), "דחי = דחי֭");
    assert_eq!(strength(Identical, "דחי דחי֭"), "דחי < דחי֭");
    let numeric = with(|request| request.numeric_ordering = Some(true));
    assert_eq!(sorted(&numeric, "a10 a9 a1"), "a1 < a9 < a10");
    assert_eq!(sorted(&with(|_| ()), "a10 a9 a1"), "a1 < a10 < a9");
    let upper = with(|request| request.case_first = Some(CaseFirst::Upper));
    assert_eq!(sorted(&upper, "a A b"), "A < a < b");
    let case = with(|request| {
        (request.strength, request.case_level) = (Some(Primary), Some(true));
    });
    assert_eq!(sorted(&case, "a A á"), "a = á < A");
    let shifted = with(|request| request.alternate = Some(Alternate::Shifted));
    assert_eq!(sorted(&shifted, "ab a-b a!b"), "a!b = a-b = ab");
    let symbols = with(|request| {
        (request.alternate, request.max_variable) =
            (Some(Alternate::Shifted), Some(Variable::Symbol));
    });
    assert_eq!(sorted(&symbols, "ab a+b"), "a+b = ab");
    assert_ne!(bytes(&shifted, "ab"), bytes(&shifted, "a+b"));
}

#[test]
fn every_order_of_a_language_is_another_one() {
    let words = "chico cuna ad ae äd af vb wa y à ả ã á ạ 一 丁 七 万 日 月 火 水 木 金 土 阿 八 亜 \
                 가 각 ක ඣ ඤ ඥ ඦ එ ত ৎ ক ক্ ক্ক খ ಕ್ಷ ಕ್ ಕ ಖ ಳ ٱ ى ي ہ ة ت ﷺ ﷲ ﻻ ﯓ";
    let mut same = Vec::new();
    for (language, name, long) in locale::TYPES {
        let plain = collation(language, |_| ());
        let typed = collation(&format!("{language}-u-co-{name}"), |_| ());
        if sorted(&plain, words) == sorted(&typed, words) {
            same.push((language, name));
        }
        assert_eq!(typed, collation(&format!("{language}@collation={long}"), |_| ()));
    }
    assert_eq!(same, [(&"zh", &"pinyin")], "which is the usual one");
}

#[test]
fn settings_tell_orders_apart() {
    let english = collation("en", |_| ());
    let same = collation("EN", |request| {
        request.strength = Some(Strength::Tertiary);
        request.alternate = Some(Alternate::NonIgnorable);
        request.case_first = Some(CaseFirst::Off);
    });
    assert_eq!(english, same);
    assert_ne!(english, collation("en-GB", |_| ()));
    assert_ne!(english, collation("en", |request| request.case_level = Some(true)));
    assert_eq!(collation("th", |_| ()).settings().alternate, Alternate::Shifted);
}

#[test]
fn forms_of_a_string_have_one_sort_key() {
    for locale in ["en", "ja", "sv"] {
        let collation = collation(locale, |_| ());
        for text in ["", "a", "é", "日本", "😀x", "a\0b\u{1}c"] {
            let units: Vec<u16> = text.encode_utf16().collect();
            let (mut wide, mut wtf8) = (Vec::new(), Vec::new());
            collation.push_utf16(&mut wide, &units);
            collation.push_wtf8(&mut wtf8, &Wtf8String::from(text));
            assert_eq!((&wide, &wtf8), (&bytes(&collation, text), &bytes(&collation, text)));
            let latin1: Option<Vec<u8>> =
                text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
            if let Some(latin1) = latin1 {
                let mut narrow = Vec::new();
                collation.push_latin1(&mut narrow, &latin1);
                assert_eq!(narrow, wide, "{text:?}");
            }
            assert!(key::validate_key(&wide).is_ok(), "{text:?}");
        }
    }
}

#[test]
fn lone_surrogates_are_replacement_characters() {
    let collation = collation("en", |_| ());
    let mut lone = Vec::new();
    collation.push_utf16(&mut lone, &[0x61, 0xD800]);
    assert_eq!(lone, bytes(&collation, "a\u{FFFD}"));
}

#[test]
fn keys_have_sort_keys_in_place_of_strings() {
    let collation = collation("sv", |_| ());
    let key = |text: &str| {
        let mut out = Vec::new();
        key::begin_array(&mut out);
        key::push_number(&mut out, 1.5);
        key::begin_array(&mut out);
        key::push_utf8(&mut out, text);
        key::end_array(&mut out);
        key::push_utf8(&mut out, "é");
        key::end_array(&mut out);
        let mut collated = Vec::new();
        collation.push_key(&out, &mut collated).unwrap();
        collated
    };
    assert!(key("z") < key("å") && key("å") < key("ö"));
    assert!(key::validate_key(&key("å")).is_ok());
    assert!(collation.push_key(&[TAG_STRING, b'a'], &mut Vec::new()).is_err());
}

/// When this fails, sort keys may have changed: raise [`DATA_VERSION`], so that indexes are built
/// again.
#[test]
fn the_data_version_is_that_of_the_crates() {
    let lock = include_str!("../../Cargo.lock");
    let version = DATA_VERSION.strip_prefix("icu4x ").unwrap();
    for name in ["icu_collator", "icu_collator_data", "icu_normalizer", "icu_normalizer_data"] {
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.replace("\r\n", "\n").contains(&entry), "{name}");
    }
    let samples = "a A á ß ss 10 å ä ö 日 한 ก 😀 - \u{1F4A9}x ﬁ Ǆ ч ё";
    let hash =
        ["und", "de", "sv", "zh", "ja", "ko", "th", "fr-CA"].iter().fold(0, |hash, locale| {
            let collation = collation(locale, |_| ());
            let all: Vec<u8> =
                samples.split(' ').flat_map(|sample| bytes(&collation, sample)).collect();
            xxhash_rust::xxh3::xxh3_64_with_seed(&all, hash)
        });
    assert_eq!(hash, 11_736_004_499_951_836_474, "the bytes of sort keys");
}

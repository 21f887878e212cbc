//! The names of Unicode classes in Go. Rust knows more, so Go's are listed here.

/// The class with a name of Go such as `Greek` or `Lu`, as Rust writes it inside of brackets.
pub(super) fn class(name: &str) -> Option<String> {
    let key: String = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match key.as_str() {
        "any" => return Some(r"\x00-\x{10FFFF}".to_owned()),
        "ascii" => return Some(r"\x00-\x7F".to_owned()),
        "assigned" => return Some(r"\P{gc=Cn}".to_owned()),
        // No string contains a surrogate.
        "cs" | "surrogate" => return Some(r"[^\x00-\x{10FFFF}]".to_owned()),
        _ => {}
    }
    let alias = CATEGORIES
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .find(|(alias, _)| *alias == key);
    if let Some((_, category)) = alias {
        return Some(format!(r"\p{{gc={category}}}"));
    }
    SCRIPTS
        .split_ascii_whitespace()
        .find(|script| *script == key)
        .map(|script| format!(r"\p{{sc={script}}}"))
}

/// The names of scripts, in lower case and without separators.
const SCRIPTS: &str = "\
    adlam ahom anatolianhieroglyphs arabic armenian avestan balinese bamum bassavah batak \
    bengali bhaiksuki bopomofo brahmi braille buginese buhid canadianaboriginal carian \
    caucasianalbanian chakma cham cherokee chorasmian common coptic cuneiform cypriot \
    cyprominoan cyrillic deseret devanagari divesakuru dogra duployan egyptianhieroglyphs \
    elbasan elymaic ethiopic georgian glagolitic gothic grantha greek gujarati gunjalagondi \
    gurmukhi han hangul hanifirohingya hanunoo hatran hebrew hiragana imperialaramaic inherited \
    inscriptionalpahlavi inscriptionalparthian javanese kaithi kannada katakana kawi kayahli \
    kharoshthi khitansmallscript khmer khojki khudawadi lao latin lepcha limbu lineara linearb \
    lisu lycian lydian mahajani makasar malayalam mandaic manichaean marchen masaramgondi \
    medefaidrin meeteimayek mendekikakui meroiticcursive meroitichieroglyphs miao modi \
    mongolian mro multani myanmar nabataean nagmundari nandinagari newa newtailue nko nushu \
    nyiakengpuachuehmong ogham olchiki oldhungarian olditalic oldnortharabian oldpermic \
    oldpersian oldsogdian oldsoutharabian oldturkic olduyghur oriya osage osmanya pahawhhmong \
    palmyrene paucinhau phagspa phoenician psalterpahlavi rejang runic samaritan saurashtra \
    sharada shavian siddham signwriting sinhala sogdian sorasompeng soyombo sundanese \
    sylotinagri syriac tagalog tagbanwa taile taitham taiviet takri tamil tangsa tangut telugu \
    thaana thai tibetan tifinagh tirhuta toto ugaritic vai vithkuqi wancho warangciti yezidi yi \
    zanabazarsquare
";

/// The names of categories in the same form, each with its abbreviation.
const CATEGORIES: &str = "\
    c=C casedletter=LC cc=Cc cf=Cf closepunctuation=Pe cn=Cn cntrl=Cc co=Co combiningmark=M \
    connectorpunctuation=Pc control=Cc cs=Cs currencysymbol=Sc dashpunctuation=Pd \
    decimalnumber=Nd digit=Nd enclosingmark=Me finalpunctuation=Pf format=Cf \
    initialpunctuation=Pi l=L lc=LC letter=L letternumber=Nl lineseparator=Zl ll=Ll lm=Lm lo=Lo \
    lowercaseletter=Ll lt=Lt lu=Lu m=M mark=M mathsymbol=Sm mc=Mc me=Me mn=Mn modifierletter=Lm \
    modifiersymbol=Sk n=N nd=Nd nl=Nl no=No nonspacingmark=Mn number=N openpunctuation=Ps \
    other=C otherletter=Lo othernumber=No otherpunctuation=Po othersymbol=So p=P \
    paragraphseparator=Zp pc=Pc pd=Pd pe=Pe pf=Pf pi=Pi po=Po privateuse=Co ps=Ps punct=P \
    punctuation=P s=S sc=Sc separator=Z sk=Sk sm=Sm so=So spaceseparator=Zs spacingmark=Mc \
    surrogate=Cs symbol=S titlecaseletter=Lt unassigned=Cn uppercaseletter=Lu z=Z zl=Zl zp=Zp \
    zs=Zs
";

#[cfg(test)]
mod tests {
    use super::{CATEGORIES, SCRIPTS, class};

    #[test]
    fn rust_knows_every_name() {
        let aliases = CATEGORIES.split_ascii_whitespace().filter_map(|pair| pair.split('=').next());
        for name in SCRIPTS.split_ascii_whitespace().chain(aliases) {
            let class = class(name).unwrap();
            assert!(regex::Regex::new(&format!("[{class}]")).is_ok(), "{name}: {class}");
        }
    }
}

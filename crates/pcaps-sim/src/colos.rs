//! Data centres, by name.

/// Places where the service has data centres, by the codes of their airports. The vendor's list is longer and
/// changes; this one has its larger places.
const PLACES: &str = "\
    ABJ ABQ ACC ADB ADD ADL AKL ALA ALG AMM AMS ANC ARI ARN ASK ASU ATH ATL AUS BAH BAQ BCN BEG BEL BER BEY BGI BGW \
    BHY BKK BLR BNA BNE BNU BOD BOG BOM BOS BRU BSB BTS BUD BUF BWN CAI CAN CBR CCP CCU CDG CEB CFC CGB CGK CGP CGY \
    CHC CKG CLE CLT CMB CMH CMN CNF CNX COK COR CPH CPT CTU CUR CWB CZX DAC DAD DAR DEL DEN DFW DKR DME DMM DOH DPS \
    DTW DUB DUR DUS DXB EBB EBL EDI ESB EVN EWR EZE FCO FIH FLN FOR FRA FSD FUK GBE GDL GIG GND GRU GUA GUM GVA GYD \
    GYE GYN HAM HAN HEL HFA HKG HNL HRE HYD IAD IAH ICN IND ISB IST ISU ITJ JAX JED JHB JIB JNB JOG KBP KEF KGL KHH \
    KHI KIV KIX KJA KNU KTM KUL KWI LAD LAS LAX LCA LED LHE LHR LIM LIS LOS LPB LUX LYS MAA MAD MAN MBA MCI MCT MDE \
    MDL MEL MEM MEX MFM MGM MIA MLE MLG MNL MPM MRS MRU MSP MSQ MUC MXP NAG NBO NOU NQN NRT OKA OKC OMA ORD ORF ORK \
    OSL OTP OUA PAT PBH PBM PDX PER PHL PHX PIT PMO PMW PNH POA POS PPT PRG PTY QRO RAO REC RIC RIX ROB RUH RUN SAN \
    SCL SDQ SEA SGN SIN SJC SJO SJP SKG SKP SLC SMF SOD SOF SSA STL STR SUV SVX SYD TAS TBS TGU TIA TLH TLL TLS TLV \
    TNR TPA TPE TUN TXL UDI UIO ULN VCP VIE VNO VTE WAW WDH WRO XNH YHZ YOW YUL YVR YWG YXE YYC YYZ ZAG ZDM ZRH";

/// How many data centres a place has: `ord01` to `ord09`.
const IN_A_PLACE: u8 = 9;

/// The names that a full capture can be started with.
#[derive(Clone, Debug, Default)]
pub(crate) enum Colos {
    /// All places that are known, and the data centres in them.
    #[default]
    Known,
    /// These, and no others.
    Only(Vec<String>),
}

impl Colos {
    /// Whether a name is one. Upper and lower case are told apart.
    pub(crate) fn have(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.iter().any(|it| it == name),
            Self::Known => is_place(name) || is_data_centre(name),
        }
    }

    /// What a name may look like.
    pub(crate) fn examples(&self) -> String {
        match self {
            Self::Known => "`ord02` or `ORD` for example".to_owned(),
            Self::Only(names) => names.join(", "),
        }
    }
}

fn is_place(name: &str) -> bool {
    PLACES.split(' ').any(|it| it == name)
}

fn is_data_centre(name: &str) -> bool {
    let Some((place, number)) = name.split_at_checked(3) else {
        return false;
    };
    let is_lower = place.bytes().all(|it| it.is_ascii_lowercase());
    let is_number = number.len() == 2 && number.bytes().all(|it| it.is_ascii_digit());
    is_lower
        && is_number
        && is_place(&place.to_ascii_uppercase())
        && (1..=IN_A_PLACE).contains(&number.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_their_data_centres_are_known() {
        for name in ["ORD", "ABJ", "ZRH", "ord01", "ord02", "sin09"] {
            assert!(Colos::Known.have(name), "{name}");
        }
        for name in [
            "", " ", "ord", "Ord", "QQQ", "ord00", "ord10", "ord2", "ord002", "ORD02", "ord+1",
            "ORD FRA", "éord",
        ] {
            assert!(!Colos::Known.have(name), "{name}");
        }
    }

    #[test]
    fn places_are_in_order_and_there_once() {
        let places: Vec<_> = PLACES.split(' ').collect();
        assert!(places.is_sorted_by(|a, b| a < b));
        assert!(places.iter().all(|it| it.len() == 3));
    }

    #[test]
    fn a_list_is_the_whole_list() {
        let only = Colos::Only(vec!["here01".into()]);
        assert!(only.have("here01"));
        assert!(!only.have("ORD"));
        assert_eq!(only.examples(), "here01");
    }
}

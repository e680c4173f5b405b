//! What a synthetic gut is made of: species, how common and how abundant they are.
//!
//! Prevalences and abundances are rough figures from general knowledge of adult Western guts, as
//! any textbook has them; none was measured in a table of this project.

use crate::numeric::logistic::plain_sigmoid;
use crate::numeric::random::Stream;

/// What a species counts for in the truth behind a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Butyrate,
    Pathobiont,
    Prevotella,
    Bacteroides,
    Other,
}

/// Species of one kind: percent of people with it, typical percent of abundance where present.
struct Group {
    role: Role,
    prevalence: f64,
    percent: f64,
    species: &'static str,
}

const GROUPS: [Group; 12] = [
    Group {
        role: Role::Bacteroides,
        prevalence: 0.9,
        percent: 6.0,
        species: "Phocaeicola_vulgatus Bacteroides_uniformis Phocaeicola_dorei",
    },
    Group {
        role: Role::Bacteroides,
        prevalence: 0.6,
        percent: 0.8,
        species: "Bacteroides_ovatus Bacteroides_thetaiotaomicron Bacteroides_caccae \
                  Bacteroides_stercoris Bacteroides_xylanisolvens Bacteroides_cellulosilyticus \
                  Bacteroides_eggerthii Bacteroides_fragilis Bacteroides_intestinalis \
                  Bacteroides_finegoldii Phocaeicola_massiliensis Bacteroides_salyersiae",
    },
    Group {
        role: Role::Butyrate,
        prevalence: 0.93,
        percent: 7.0,
        species: "Faecalibacterium_prausnitzii",
    },
    Group {
        role: Role::Butyrate,
        prevalence: 0.8,
        percent: 1.4,
        species: "Agathobacter_rectalis Roseburia_faecis Roseburia_intestinalis \
                  Roseburia_inulinivorans Roseburia_hominis Anaerostipes_hadrus \
                  Anaerobutyricum_hallii Eubacterium_ventriosum Coprococcus_eutactus \
                  Coprococcus_comes Coprococcus_catus Agathobaculum_butyriciproducens \
                  Lachnospira_eligens Gemmiger_formicilis",
    },
    Group {
        role: Role::Other,
        prevalence: 0.75,
        percent: 1.0,
        species: "Blautia_wexlerae Blautia_obeum Blautia_massiliensis Blautia_faecis \
                  Fusicatenibacter_saccharivorans Dorea_longicatena Dorea_formicigenerans \
                  Ruminococcus_bromii Ruminococcus_bicirculans Ruminococcus_torques \
                  Ruminococcus_faecis Alistipes_putredinis Alistipes_onderdonkii \
                  Alistipes_finegoldii Alistipes_shahii Parabacteroides_distasonis \
                  Parabacteroides_merdae Odoribacter_splanchnicus Barnesiella_intestinihominis \
                  Bifidobacterium_longum Bifidobacterium_adolescentis Collinsella_aerofaciens",
    },
    Group {
        role: Role::Other,
        prevalence: 0.5,
        percent: 0.35,
        species: "Akkermansia_muciniphila Bifidobacterium_pseudocatenulatum Bifidobacterium_bifidum \
                  Dialister_invisus Phascolarctobacterium_faecium Methanobrevibacter_smithii \
                  Bilophila_wadsworthia Parasutterella_excrementihominis Sutterella_wadsworthensis \
                  Desulfovibrio_piger Eubacterium_siraeum Eubacterium_ramulus Ruminococcus_lactaris \
                  Ruminococcus_callidus Ruminococcus_champanellensis \
                  Flavonifractor_plautii Intestinimonas_butyriciproducens Paraprevotella_clara \
                  Paraprevotella_xylaniphila Coprobacter_fastidiosus Butyricimonas_virosa \
                  Holdemanella_biformis Adlercreutzia_equolifaciens \
                  Eggerthella_lenta Gordonibacter_pamelaeae Asaccharobacter_celatus",
    },
    Group {
        role: Role::Prevotella,
        prevalence: 0.25,
        percent: 1.5,
        species: "Segatella_copri",
    },
    Group {
        role: Role::Pathobiont,
        prevalence: 0.45,
        percent: 0.12,
        species: "Escherichia_coli Klebsiella_pneumoniae Enterobacter_cloacae Citrobacter_freundii \
                  Haemophilus_parainfluenzae Streptococcus_salivarius Streptococcus_parasanguinis \
                  Streptococcus_mitis Streptococcus_thermophilus Veillonella_parvula \
                  Veillonella_dispar Veillonella_atypica Enterococcus_faecalis Enterococcus_faecium \
                  Ruminococcus_gnavus Hungatella_hathewayi Enterocloster_bolteae \
                  Enterocloster_clostridioformis Clostridium_symbiosum Erysipelatoclostridium_ramosum \
                  Clostridium_innocuum Actinomyces_odontolyticus Rothia_mucilaginosa",
    },
    Group {
        role: Role::Other,
        prevalence: 0.35,
        percent: 0.08,
        species: "Clostridium_leptum Clostridium_scindens Clostridium_spiroforme \
                  Clostridium_saccharolyticum Clostridium_asparagiforme Clostridium_citroniae \
                  Anaerotruncus_colihominis Turicibacter_sanguinis \
                  Intestinibacter_bartlettii Monoglobus_pectinilyticus Ruthenibacterium_lactatiformans \
                  Eisenbergiella_tayi Tyzzerella_nexilis Sellimonas_intestinalis \
                  Anaerostipes_caccae Eubacterium_limosum Pseudoflavonifractor_capillosus \
                  Christensenella_minuta Slackia_isoflavoniconvertens Olsenella_scatoligenes \
                  Victivallis_vadensis Bacteroides_plebeius Bacteroides_coprocola \
                  Bacteroides_coprophilus Bacteroides_nordii Bacteroides_faecis \
                  Parabacteroides_goldsteinii Parabacteroides_johnsonii Parabacteroides_gordonii \
                  Alistipes_indistinctus Alistipes_inops Butyricimonas_synergistica \
                  Odoribacter_laneus Coprobacter_secundus Bifidobacterium_catenulatum \
                  Bifidobacterium_dentium Bifidobacterium_animalis Bifidobacterium_breve",
    },
    Group {
        role: Role::Other,
        prevalence: 0.3,
        percent: 0.05,
        species: "Lactobacillus_gasseri Lactobacillus_acidophilus Lacticaseibacillus_rhamnosus \
                  Lacticaseibacillus_paracasei Limosilactobacillus_fermentum \
                  Ligilactobacillus_ruminis Lactococcus_lactis Megasphaera_elsdenii \
                  Megamonas_funiformis Mitsuokella_jalaludinii \
                  Mitsuokella_multacida Acidaminococcus_intestini Allisonella_histaminiformans \
                  Phascolarctobacterium_succinatutens Dialister_succinatiphilus \
                  Succinatimonas_hippei Oxalobacter_formigenes Cloacibacillus_evryensis \
                  Pyramidobacter_piscolens Fusobacterium_mortiferum Fusobacterium_varium \
                  Eubacterium_dolichum Solobacterium_moorei Faecalitalea_cylindroides \
                  Holdemania_filiformis Coprobacillus_cateniformis Allobaculum_stercoricanis",
    },
    Group {
        role: Role::Other,
        prevalence: 0.12,
        percent: 0.1,
        species: "Prevotella_stercorea Prevotella_buccae Prevotella_bivia Prevotella_disiens Prevotella_timonensis",
    },
    Group {
        role: Role::Other,
        prevalence: 0.6,
        percent: 0.12,
        species: "Oscillibacter_sp_ER4 Oscillibacter_sp_PC13 Dysosmobacter_welbionis \
                  Evtepia_gabavorous Lachnospira_pectinoschiza Blautia_stercoris Blautia_luti \
                  Blautia_glucerasea Blautia_hydrogenotrophica Blautia_hansenii Blautia_producta \
                  Clostridium_fessum Clostridium_phoceensis Clostridium_sp_AF34_10BH \
                  Clostridium_sp_AF36_4 Clostridium_sp_AM22_11AC Clostridium_methylpentosum \
                  Clostridium_disporicum Eubacterium_coprostanoligenes Eubacterium_sp_AF22_8LB \
                  Eubacterium_sp_AM28_29 Roseburia_sp_AF02_12 Ruminococcus_sp_NSJ_71 \
                  Faecalicatena_contorta Faecalicatena_fissicatena Enterocloster_aldensis \
                  Enterocloster_lavalensis Lachnospiraceae_bacterium_OM04_12BH \
                  Lachnoclostridium_edouardi Alistipes_communis Alistipes_senegalensis \
                  Alistipes_timonensis Bacteroides_clarus Bacteroides_fluxus \
                  Bacteroides_oleiciplenus Bacteroides_stercorirosoris Negativibacillus_massiliensis \
                  Phocea_massiliensis Candidatus_Cibiobacter_qucibialis \
                  Mediterraneibacter_glycyrrhizinilyticus Senegalimassilia_anaerobia \
                  Collinsella_stercoris Collinsella_intestinalis Eubacterium_sulci",
    },
];

/// One species.
#[derive(Debug, Clone, Copy)]
pub(super) struct Species {
    pub name: &'static str,
    pub role: Role,
    pub prevalence: f64,
    pub percent: f64,
}

/// Every species, in a fixed order.
pub(super) fn species() -> Vec<Species> {
    let of = |group: &'static Group| {
        group.species.split_whitespace().map(|name| Species {
            name,
            role: group.role,
            prevalence: group.prevalence,
            percent: group.percent,
        })
    };
    GROUPS.iter().flat_map(of).collect()
}

/// What sets one gut apart from the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Added to the log-odds of every species' presence.
    pub richness: f64,
    /// Added to the log abundance of pathobionts, and half of it to the log-odds of presence.
    pub dysbiosis: f64,
    /// *Prevotella* instead of *Bacteroides*.
    pub is_prevotella_rich: bool,
}

/// Spread of the natural logarithm of an abundance between people.
const SPREAD: f64 = 1.0;

/// Fractions of all species, 0 where absent, summing to 1.
pub(super) fn draw_profile(species: &[Species], kind: Kind, stream: &mut Stream) -> Vec<f64> {
    let mut fractions: Vec<f64> = species
        .iter()
        .map(|species| {
            // Two numbers a species, whether used or not: what is drawn for one cannot shift
            // what is drawn for the next.
            let (u, z) = (stream.uniform(), stream.normal());
            let (more_likely, more_abundant) = match (species.role, kind.is_prevotella_rich) {
                (Role::Prevotella, true) => (2.5, 3.2),
                (Role::Bacteroides, true) => (-0.5, -1.6),
                (Role::Pathobiont, _) => (0.5 * kind.dysbiosis, kind.dysbiosis),
                (Role::Butyrate, _) => (-0.3 * kind.dysbiosis, -0.4 * kind.dysbiosis),
                _ => (0.0, 0.0),
            };
            let odds = species.prevalence / (1.0 - species.prevalence);
            let log_odds = libm::log(odds) + kind.richness + more_likely;
            if u < plain_sigmoid(log_odds) {
                species.percent * libm::exp(more_abundant + SPREAD * z)
            } else {
                0.0
            }
        })
        .collect();
    close(&mut fractions);
    fractions
}

/// Divides by the sum; values under the detection limit of a sequencer are 0.
pub(super) fn close(fractions: &mut [f64]) {
    for limit in [0.0, 1e-6] {
        let sum: f64 = fractions.iter().sum();
        for fraction in fractions.iter_mut() {
            *fraction /= sum;
            if *fraction < limit {
                *fraction = 0.0;
            }
        }
    }
    let sum: f64 = fractions.iter().sum();
    for fraction in fractions {
        *fraction /= sum;
    }
}

//! A fitted matcher: response, engraftment, toxicity.

use serde::{Deserialize, Serialize};

use super::linear::Linear;
use super::numbers::Planes;
use super::trees::Forest;
use crate::engraftment::{
    CladeTable, EngraftmentModel, FEATURES, StudySummary, TaxonPrior, TransplantContext,
};
use crate::feature::{COMMUNITY_FEATURES, ProfileSchema};
use crate::matcher::{
    Domain, Matcher, ResponseEngine, ResponseMember, ResponseModel, ToxicityModel,
};
use crate::model::BoostingModel;
use crate::profile::{Rank, Vocabulary};
use crate::{Error, Result};

/// The payload of a file of the kind `matcher`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredMatcher {
    response: Response,
    engraftment: Engraftment,
    toxicity: Toxicity,
}

/// Features are the summaries of a community, then one a taxon.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::persist) struct Response {
    vocabulary: String,
    community: Vec<String>,
    taxa: Vec<String>,
    pseudocount: f64,
    engine: Engine,
    slope: f64,
    slope_sd: f64,
    n_patients: u32,
    n_responders: u32,
    cohorts: Vec<String>,
    domain_means: Vec<f64>,
    domain_sds: Vec<f64>,
    domain_limit: f64,
    min_ln_richness: f64,
    linear: Vec<Linear>,
    /// Mean score of each linear member over its training rows.
    linear_centers: Vec<f64>,
    trees: Forest,
    tree_centers: Vec<f64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Engine {
    Logistic,
    Boosting,
    Both,
    Selected,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::persist) struct Engraftment {
    vocabulary: String,
    rank: StoredRank,
    studies: Vec<String>,
    n_transplants: u32,
    n_recipients: u32,
    /// Names of the features of a taxon that have a column, in order.
    columns: Vec<String>,
    clades: Vec<(StoredRank, String)>,
    /// The studies that summaries are of.
    summarized: Vec<String>,
    taxa: Vec<String>,
    /// Summaries of each taxon.
    n_summaries: Vec<u32>,
    summary_study: Vec<u32>,
    summary_prevalence: Planes,
    summary_mean: Planes,
    presence: Forest,
    abundance: Forest,
    abundance_sd: f64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum StoredRank {
    Kingdom,
    Phylum,
    Class,
    Order,
    Family,
    Genus,
    Species,
    Strain,
}

#[derive(Debug, Serialize, Deserialize)]
struct Toxicity {
    community: Vec<String>,
    severe_irae: Coefficients,
    myocarditis: Coefficients,
    burden_mean: f64,
    burden_sd: f64,
    rich: f64,
    /// One model or none.
    exploratory: Forest,
    n_exploratory: u32,
    n_severe: u32,
    n_updates: u32,
}

/// A normal distribution: mean, and the lower Cholesky factor of the covariance, row by row.
#[derive(Debug, Serialize, Deserialize)]
struct Coefficients {
    mean: Vec<f64>,
    factor: Vec<f64>,
}

impl StoredMatcher {
    /// The models as they were, with the evidence of the bundled matcher in place of the constants
    /// that format 2 had: the slope of response stays, intercepts and toxicity are those of today.
    pub fn into_matcher(self) -> Result<Matcher> {
        if self.toxicity.n_updates > 0 {
            return Err(Error::model_file(
                "it has learned from outcomes, in a form that format 3 replaced; give the table of \
                 outcomes to `update` again",
            ));
        }
        let bundled = Matcher::bundled()?;
        let response = self.response.into_model()?;
        let (slope, slope_sd) = response.slope();
        let evidence = bundled
            .evidence()
            .with_slope(slope, slope_sd)
            .ok_or_else(|| Error::model_file("its slope is not usable"))?;
        let toxicity = self
            .toxicity
            .into_model(bundled.toxicity().median_prevotellaceae())?;
        let matcher = Matcher::new(self.engraftment.into_model()?, response, toxicity, evidence)
            .map_err(|error| Error::model_file(error.to_string()))?;
        matcher.validate()?;
        Ok(matcher)
    }
}

impl Response {
    pub fn of(model: &ResponseModel) -> Result<Self> {
        let members = || model.members.iter();
        let boosting: Vec<_> = members().map(|member| &member.boosting).collect();
        Ok(Self {
            vocabulary: model.schema.vocabulary().as_str().to_owned(),
            community: COMMUNITY_FEATURES.map(str::to_owned).to_vec(),
            taxa: model.schema.taxa().to_vec(),
            pseudocount: model.schema.pseudocount(),
            engine: Engine::of(model.engine),
            slope: model.slope,
            slope_sd: model.slope_sd,
            n_patients: model.n_patients,
            n_responders: model.n_responders,
            cohorts: model.cohorts.clone(),
            domain_means: model.domain.means.clone(),
            domain_sds: model.domain.sds.clone(),
            domain_limit: model.domain.limit,
            min_ln_richness: model.domain.min_ln_richness,
            linear: members()
                .map(|member| Linear::of(&member.logistic))
                .collect(),
            linear_centers: members().map(|member| member.logistic_center).collect(),
            trees: Forest::of(&boosting)?,
            tree_centers: members().map(|member| member.boosting_center).collect(),
        })
    }

    pub fn into_model(self) -> Result<ResponseModel> {
        check_community(&self.community)?;
        let boosting = self.trees.into_models()?;
        let n = boosting.len();
        if [
            self.linear.len(),
            self.linear_centers.len(),
            self.tree_centers.len(),
        ] != [n; 3]
        {
            return Err(Error::model_file(
                "the response model has not as many linear members as boosted ones",
            ));
        }
        let centers = self.linear_centers.into_iter().zip(self.tree_centers);
        let members = self
            .linear
            .into_iter()
            .zip(boosting)
            .zip(centers)
            .map(|((linear, boosting), (logistic_center, boosting_center))| {
                Ok(ResponseMember {
                    logistic: linear.into_model()?,
                    boosting,
                    logistic_center,
                    boosting_center,
                })
            })
            .collect::<Result<_>>()?;
        let vocabulary = Vocabulary::new(self.vocabulary);
        let model = ResponseModel {
            schema: ProfileSchema::from_parts(vocabulary, self.taxa, self.pseudocount)?,
            engine: self.engine.into_engine(),
            members,
            slope: self.slope,
            slope_sd: self.slope_sd,
            // Scores count as they are.
            score_sd: 1.0,
            domain: Domain {
                means: self.domain_means,
                sds: self.domain_sds,
                limit: self.domain_limit,
                min_ln_richness: self.min_ln_richness,
            },
            n_patients: self.n_patients,
            n_responders: self.n_responders,
            cohorts: self.cohorts,
        };
        model.validate()?;
        Ok(model)
    }
}

/// The summaries of a community go by name; this release makes the same as that which wrote it.
pub(in crate::persist) fn check_community(names: &[String]) -> Result<()> {
    if names == COMMUNITY_FEATURES {
        return Ok(());
    }
    let other = names
        .iter()
        .zip(COMMUNITY_FEATURES)
        .find(|(found, expected)| found.as_str() != *expected);
    Err(Error::model_file(match other {
        Some((found, expected)) => {
            format!("expected the summary `{expected}` of a community, found `{found}`")
        }
        None => format!(
            "expected {} summaries of a community, found {}",
            COMMUNITY_FEATURES.len(),
            names.len()
        ),
    }))
}

impl Engine {
    fn of(engine: ResponseEngine) -> Self {
        match engine {
            ResponseEngine::Logistic => Self::Logistic,
            ResponseEngine::Boosting => Self::Boosting,
            ResponseEngine::Both => Self::Both,
            ResponseEngine::Selected => Self::Selected,
        }
    }

    fn into_engine(self) -> ResponseEngine {
        match self {
            Self::Logistic => ResponseEngine::Logistic,
            Self::Boosting => ResponseEngine::Boosting,
            Self::Both => ResponseEngine::Both,
            Self::Selected => ResponseEngine::Selected,
        }
    }
}

impl Engraftment {
    pub fn of(model: &EngraftmentModel) -> Result<Self> {
        let summaries = || model.prior.summaries.iter().flatten();
        let prevalences: Vec<f64> = summaries().map(|summary| summary.prevalence).collect();
        let means: Vec<f64> = summaries().map(|summary| summary.mean).collect();
        Ok(Self {
            vocabulary: model.vocabulary.as_str().to_owned(),
            rank: StoredRank::of(model.rank),
            studies: model.studies.clone(),
            n_transplants: model.n_transplants,
            n_recipients: model.n_recipients,
            columns: model.feature_names(),
            clades: model
                .clades
                .clades
                .iter()
                .map(|(rank, name)| (StoredRank::of(*rank), name.clone()))
                .collect(),
            summarized: model.prior.studies.clone(),
            taxa: model.prior.taxa.clone(),
            n_summaries: model
                .prior
                .summaries
                .iter()
                .map(|of_taxon| of_taxon.len() as u32)
                .collect(),
            summary_study: summaries().map(|summary| summary.study).collect(),
            summary_prevalence: Planes::of(prevalences.into_iter()),
            summary_mean: Planes::of(means.into_iter()),
            presence: Forest::of(&model.presence.iter().collect::<Vec<_>>())?,
            abundance: Forest::of(&model.abundance.iter().collect::<Vec<_>>())?,
            abundance_sd: model.abundance_sd,
        })
    }

    pub fn into_model(self) -> Result<EngraftmentModel> {
        let clades: Vec<(Rank, String)> = self
            .clades
            .into_iter()
            .map(|(rank, name)| (rank.into_rank(), name))
            .collect();
        let model = EngraftmentModel {
            rank: self.rank.into_rank(),
            vocabulary: Vocabulary::new(self.vocabulary),
            prior: TaxonPrior {
                studies: self.summarized,
                taxa: self.taxa,
                summaries: summaries(
                    &self.n_summaries,
                    &self.summary_study,
                    &self.summary_prevalence.into_numbers()?,
                    &self.summary_mean.into_numbers()?,
                )?,
            },
            columns: columns(&self.columns, &clades)?,
            clades: CladeTable { clades },
            presence: self.presence.into_models()?,
            abundance: self.abundance.into_models()?,
            abundance_sd: self.abundance_sd,
            // What later formats add.
            detection_limit: 0.0,
            departures: None,
            own: None,
            last_day: TransplantContext::DEFAULT_DAY,
            n_transplants: self.n_transplants,
            n_recipients: self.n_recipients,
            studies: self.studies,
        };
        model.validate()?;
        Ok(model)
    }
}

/// The columns with these names.
fn columns(names: &[String], clades: &[(Rank, String)]) -> Result<Vec<u32>> {
    let own = FEATURES.iter().map(|&name| name.to_owned());
    let of_clades = clades.iter().map(|(rank, name)| format!("{rank}:{name}"));
    let places: std::collections::HashMap<String, u32> = own.chain(of_clades).zip(0..).collect();
    names
        .iter()
        .map(|name| {
            places.get(name).copied().ok_or_else(|| {
                Error::model_file(format!(
                    "the engraftment model reads `{name}`, which this release does not make"
                ))
            })
        })
        .collect()
}

fn summaries(
    n_of_taxon: &[u32],
    studies: &[u32],
    prevalences: &[f64],
    means: &[f64],
) -> Result<Vec<Vec<StudySummary>>> {
    let in_all: u64 = n_of_taxon.iter().map(|&n| u64::from(n)).sum();
    let n = studies.len();
    if in_all != n as u64 || prevalences.len() != n || means.len() != n {
        return Err(Error::model_file(
            "the summaries of taxa by study differ in length",
        ));
    }
    let mut all =
        studies
            .iter()
            .zip(prevalences)
            .zip(means)
            .map(|((&study, &prevalence), &mean)| StudySummary {
                study,
                prevalence,
                mean,
            });
    Ok(n_of_taxon
        .iter()
        .map(|&n| all.by_ref().take(n as usize).collect())
        .collect())
}

impl StoredRank {
    fn of(rank: Rank) -> Self {
        match rank {
            Rank::Kingdom => Self::Kingdom,
            Rank::Phylum => Self::Phylum,
            Rank::Class => Self::Class,
            Rank::Order => Self::Order,
            Rank::Family => Self::Family,
            Rank::Genus => Self::Genus,
            Rank::Species => Self::Species,
            Rank::Strain => Self::Strain,
        }
    }

    fn into_rank(self) -> Rank {
        match self {
            Self::Kingdom => Rank::Kingdom,
            Self::Phylum => Rank::Phylum,
            Self::Class => Rank::Class,
            Self::Order => Rank::Order,
            Self::Family => Rank::Family,
            Self::Genus => Rank::Genus,
            Self::Species => Rank::Species,
            Self::Strain => Rank::Strain,
        }
    }
}

impl Toxicity {
    /// What is still read of it; the coefficients gave way to the joint evidence.
    fn into_model(self, median: f64) -> Result<ToxicityModel> {
        check_community(&self.community)?;
        let model = ToxicityModel {
            median,
            rich: self.rich,
            feature_names: self.community,
            exploratory: one_or_none(self.exploratory)?,
            n_exploratory: self.n_exploratory,
            n_severe: self.n_severe,
        };
        model.validate()?;
        Ok(model)
    }
}

/// The exploratory model of toxicity, of which a file holds one or none.
pub(in crate::persist) fn one_or_none(forest: Forest) -> Result<Option<BoostingModel>> {
    let mut models = forest.into_models()?.into_iter();
    let model = models.next();
    if models.next().is_some() {
        return Err(Error::model_file(
            "the toxicity model has more than one exploratory model",
        ));
    }
    Ok(model)
}

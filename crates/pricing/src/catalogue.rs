//! Price catalogues: what each class of each model costs, from when on.

use crate::class::Class;
use crate::limits::{BANDS_COUNT_MAX, MODEL_NAME_BYTES_MAX, MODELS_COUNT_MAX, UNITS_MAX};
use crate::rate::{self, RateFault};
use crate::sealed::{Body, Sealed};
use book::{Asset, Code, NanosPerUnit};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The prices of one seller, from a moment on. It is known by the [name](Sealed::name) of its signed text.
#[derive(Clone, Debug)]
pub struct Catalogue {
    text: CatalogueText,
    asset: Asset,
    models: Vec<Model>,
}

/// The prices of one model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The name that calls give.
    pub name: String,
    /// The most tokens of input that one call takes.
    pub input_max: u64,
    /// The most tokens of output that one call gives.
    pub output_max: u64,
    bands: Vec<(u64, Rates)>,
}

/// The prices of one band.
#[derive(Clone, Debug)]
pub(crate) struct Rates([NanosPerUnit; Class::ALL.len()]);

impl Rates {
    pub(crate) fn of(&self, class: Class) -> NanosPerUnit {
        self.0.get(class.place()).copied().unwrap_or(NanosPerUnit(0))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueText {
    seller: String,
    asset: String,
    version: u32,
    effective_from: Timestamp,
    models: Vec<ModelText>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelText {
    name: String,
    input_max: u64,
    output_max: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    prices: BTreeMap<Class, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bands: Vec<BandText>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BandText {
    /// From how many tokens of input on, all classes together.
    input_from: u64,
    prices: BTreeMap<Class, String>,
}

/// Why a text is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFault {
    /// It is not of the shape.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// The asset is not one like `CNY/2`.
    #[error("asset `{0}` is not a code and a scale, like `CNY/2`")]
    Asset(String),
    /// Too much, too little, or the same twice.
    #[error("{0}")]
    Content(String),
    /// A price is wrong.
    #[error("model `{model}`, `{class}`: price `{text}`: {fault}")]
    Rate {
        /// Of which model.
        model: String,
        /// Of which class.
        class: &'static str,
        /// As written.
        text: String,
        /// What is wrong.
        fault: RateFault,
    },
}

impl Catalogue {
    /// Takes a catalogue apart.
    ///
    /// # Errors
    /// [`CatalogueFault`].
    pub fn read(text: &serde_json::Value) -> Result<Catalogue, CatalogueFault> {
        let text = CatalogueText::deserialize(text)?;
        let asset = read_asset(&text.asset).ok_or_else(|| CatalogueFault::Asset(text.asset.clone()))?;
        if text.models.is_empty() || MODELS_COUNT_MAX < text.models.len() {
            let why = format!("a catalogue has 1 to {MODELS_COUNT_MAX} models");
            return Err(CatalogueFault::Content(why));
        }
        let models =
            text.models.iter().map(|model| read_model(model, asset)).collect::<Result<Vec<_>, _>>()?;
        for (at, model) in models.iter().enumerate() {
            if models.iter().skip(at + 1).any(|other| other.name == model.name) {
                return Err(CatalogueFault::Content(format!("model `{}` comes twice", model.name)));
            }
        }
        Ok(Catalogue { asset, models, text })
    }

    /// Whose prices these are.
    pub fn seller(&self) -> &str {
        &self.text.seller
    }

    /// In which money.
    pub fn asset(&self) -> Asset {
        self.asset
    }

    /// The number; each catalogue of a seller has a higher one than the one before.
    pub fn version(&self) -> u32 {
        self.text.version
    }

    /// From when on.
    pub fn effective_from(&self) -> Timestamp {
        self.text.effective_from
    }

    /// Every model.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

impl Body for Catalogue {
    const DOMAIN: &'static str = "toll:catalogue/1";
    type Fault = CatalogueFault;

    fn read(body: &serde_json::Value) -> Result<Catalogue, CatalogueFault> {
        Catalogue::read(body)
    }

    fn write(&self) -> serde_json::Value {
        serde_json::to_value(&self.text).expect("a catalogue is JSON")
    }
}

impl Model {
    /// The prices of a call with so many tokens of input.
    pub(crate) fn rates_at(&self, input: u64) -> &Rates {
        let band = self.bands.iter().rev().find(|(from, _)| *from <= input);
        &band.or(self.bands.first()).expect("a model has a band from 0 on").1
    }

    /// Every band: the first and the last number of tokens of input it is for, and its prices.
    pub(crate) fn bands(&self) -> impl Iterator<Item = (u64, u64, &Rates)> {
        let ends = self.bands.iter().skip(1).map(|(from, _)| from.saturating_sub(1)).chain([u64::MAX]);
        self.bands.iter().zip(ends).map(|((from, rates), last)| (*from, last, rates))
    }
}

fn read_asset(text: &str) -> Option<Asset> {
    let (code, scale) = text.split_once('/')?;
    let number: u8 = scale.parse().ok()?;
    if number.to_string() != scale {
        return None;
    }
    Asset::new(Code::new(code)?, number)
}

fn read_model(text: &ModelText, asset: Asset) -> Result<Model, CatalogueFault> {
    let content = |why: String| CatalogueFault::Content(format!("model `{}`: {why}", text.name));
    if text.name.is_empty() || MODEL_NAME_BYTES_MAX < text.name.len() {
        return Err(content(format!("its name has not 1 to {MODEL_NAME_BYTES_MAX} bytes")));
    }
    if UNITS_MAX < text.input_max || UNITS_MAX < text.output_max || text.input_max == 0 {
        return Err(content(format!("a call has at least one and at most {UNITS_MAX} tokens of a side")));
    }
    if BANDS_COUNT_MAX < text.bands.len() + 1 {
        return Err(content(format!("it has more than {BANDS_COUNT_MAX} bands")));
    }
    let mut bands = vec![(0, read_rates(text, &text.prices, asset)?)];
    for band in &text.bands {
        if bands.last().is_some_and(|(from, _)| band.input_from <= *from) {
            return Err(content("its bands do not rise".to_owned()));
        }
        bands.push((band.input_from, read_rates(text, &band.prices, asset)?));
    }
    Ok(Model { name: text.name.clone(), input_max: text.input_max, output_max: text.output_max, bands })
}

fn read_rates(
    model: &ModelText,
    prices: &BTreeMap<Class, String>,
    asset: Asset,
) -> Result<Rates, CatalogueFault> {
    let mut rates = Rates([NanosPerUnit(0); Class::ALL.len()]);
    for class in Class::ALL {
        let priced = prices.get(&class).or_else(|| prices.get(&class.stands_in()?));
        let rate = match priced {
            Some(text) => rate::read(text, class, asset).map_err(|fault| CatalogueFault::Rate {
                model: model.name.clone(),
                class: class.as_str(),
                text: text.clone(),
                fault,
            })?,
            None if class == Class::Call => NanosPerUnit(0),
            None => {
                let why = format!("model `{}` has no price for `{}`", model.name, class.as_str());
                return Err(CatalogueFault::Content(why));
            }
        };
        if let Some(place) = rates.0.get_mut(class.place()) {
            *place = rate;
        }
    }
    Ok(rates)
}

/// Every catalogue of a seller: which one is in force when, and which one a digest names.
#[derive(Debug, Default)]
pub struct History(Vec<Sealed<Catalogue>>);

impl History {
    /// Adds the next catalogue.
    ///
    /// # Errors
    /// [`CatalogueFault::Content`] where it is not of the same seller and asset as the last, not of a higher version, or takes
    /// effect before it.
    pub fn add(&mut self, next: Sealed<Catalogue>) -> Result<(), CatalogueFault> {
        if let Some(last) = self.0.last().map(Sealed::body) {
            let body = next.body();
            let why = if body.seller() != last.seller() || body.asset() != last.asset() {
                Some("it is not of the same seller and asset as the one before")
            } else if body.version() <= last.version() {
                Some("its version is not higher than that of the one before")
            } else if body.effective_from() < last.effective_from() {
                Some("it would take effect before the one it follows")
            } else {
                None
            };
            if let Some(why) = why {
                return Err(CatalogueFault::Content(why.to_owned()));
            }
        }
        self.0.push(next);
        Ok(())
    }

    /// The catalogue in force at a moment.
    pub fn in_force(&self, at: Timestamp) -> Option<&Sealed<Catalogue>> {
        self.0.iter().rev().find(|catalogue| catalogue.body().effective_from() <= at)
    }

    /// The catalogue of that [name](Sealed::name).
    pub fn named(&self, name: &str) -> Option<&Sealed<Catalogue>> {
        self.0.iter().find(|catalogue| catalogue.name() == name)
    }
}

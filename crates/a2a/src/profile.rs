//! What an agent says of itself: a TOML file, beside the price list.

use crate::limits::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, PROFILE_BYTES_MAX, SKILLS_MAX, WORDS_MAX};
use protocols::is_hidden;
use serde::Deserialize;
use url::Url;

/// An agent, as its card has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The version of its skills.
    pub version: String,
    /// Where people read more.
    pub documentation_url: Option<Url>,
    /// Whose it is.
    pub provider: Option<Provider>,
    /// What it can do, the first being meant where a client says nothing.
    #[serde(rename = "skill")]
    pub skills: Vec<Skill>,
}

/// Whose an agent is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Their name.
    pub organization: String,
    /// Their address.
    pub url: Url,
}

/// A skill: a path of the price list, and of the service behind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// Its name in the price list.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it is about.
    pub tags: Vec<String>,
    /// What one could say.
    #[serde(default)]
    pub examples: Vec<String>,
    /// The media types that it takes.
    #[serde(default)]
    pub input_modes: Vec<String>,
    /// The media types that it answers with.
    #[serde(default)]
    pub output_modes: Vec<String>,
    /// Where the service behind has it; its path in the price list where nothing is said.
    pub path: Option<String>,
}

/// Why a file is no description of an agent.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFault {
    /// It is not TOML, or has members that we do not know.
    #[error("{0}")]
    Syntax(String),
    /// Something in it is not as it has to be.
    #[error("{0}")]
    Value(String),
}

impl Profile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ProfileFault`].
    pub fn parse(text: &str) -> Result<Profile, ProfileFault> {
        let wrong = |why: String| Err(ProfileFault::Value(why));
        if PROFILE_BYTES_MAX < text.len() {
            return wrong(format!("it is longer than {PROFILE_BYTES_MAX} bytes"));
        }
        let profile: Profile =
            toml::from_str(text).map_err(|fault| ProfileFault::Syntax(fault.to_string()))?;
        if profile.skills.is_empty() || SKILLS_MAX < profile.skills.len() {
            return wrong(format!("an agent has from 1 to {SKILLS_MAX} skills"));
        }
        check("name", &profile.name, NAME_CHARS_MAX)?;
        check("description", &profile.description, DESCRIPTION_CHARS_MAX)?;
        check("version", &profile.version, NAME_CHARS_MAX)?;
        if let Some(provider) = &profile.provider {
            check("provider.organization", &provider.organization, NAME_CHARS_MAX)?;
        }
        for (at, skill) in profile.skills.iter().enumerate() {
            skill.check()?;
            if profile.skills.iter().take(at).any(|other| other.id == skill.id) {
                return wrong(format!("skill `{}` is there twice", skill.id));
            }
        }
        Ok(profile)
    }
}

impl Skill {
    fn check(&self) -> Result<(), ProfileFault> {
        let id = &self.id;
        if gateway::tools::skill_path(id).is_none() {
            return Err(ProfileFault::Value(format!(
                "skill `{}` has a name that no path has",
                id.escape_debug()
            )));
        }
        check(&format!("{id}.name"), &self.name, NAME_CHARS_MAX)?;
        check(&format!("{id}.description"), &self.description, DESCRIPTION_CHARS_MAX)?;
        if self.tags.is_empty() {
            return Err(ProfileFault::Value(format!("skill `{id}` has no tag, and a card needs one")));
        }
        let lists = [
            ("tags", &self.tags, NAME_CHARS_MAX),
            ("examples", &self.examples, DESCRIPTION_CHARS_MAX),
            ("input_modes", &self.input_modes, NAME_CHARS_MAX),
            ("output_modes", &self.output_modes, NAME_CHARS_MAX),
        ];
        for (name, list, chars_max) in lists {
            if WORDS_MAX < list.len() {
                return Err(ProfileFault::Value(format!("`{id}.{name}` has more than {WORDS_MAX} entries")));
            }
            list.iter().try_for_each(|text| check(&format!("{id}.{name}"), text, chars_max))?;
        }
        let is_path = |path: &str| {
            path.starts_with('/')
                && path.parse::<http::uri::PathAndQuery>().is_ok_and(|read| read.query().is_none())
        };
        if self.path.as_deref().is_some_and(|path| !is_path(path)) {
            return Err(ProfileFault::Value(format!("`{id}.path` is no path such as `/search`")));
        }
        Ok(())
    }

    /// Its path in the price list.
    pub(crate) fn priced_path(&self) -> String {
        gateway::tools::skill_path(&self.id).expect("it was checked when it was read")
    }
}

/// A text is not empty, not too long, and shows all there is of it.
fn check(name: &str, text: &str, chars_max: usize) -> Result<(), ProfileFault> {
    if text.is_empty() || chars_max < text.chars().count() {
        return Err(ProfileFault::Value(format!("`{name}` has from 1 to {chars_max} characters")));
    }
    if text.chars().any(|each| is_hidden(each) && each != '\n') {
        return Err(ProfileFault::Value(format!("`{name}` has characters that are not seen")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "Bridges"
description = "Finds bridges."
version = "1"
[[skill]]
id = "find"
name = "Find"
description = "Finds a bridge."
tags = ["search"]
path = "/search"
"#;

    #[test]
    fn an_agent_is_described_whole_or_not_at_all() {
        let good = Profile::parse(GOOD).unwrap();
        assert_eq!((good.skills.len(), good.skills[0].priced_path().as_str()), (1, "/skills/find"));
        for (from, to) in [
            ("name = \"Bridges\"", "name = \"\""),
            ("name = \"Bridges\"", "nam = \"Bridges\""),
            ("\"Finds bridges.\"", "\"Finds\\u202e bridges.\""),
            ("tags = [\"search\"]", "tags = []"),
            ("tags = [\"search\"]", "tags = [\"\"]"),
            ("id = \"find\"", "id = \"../find\""),
            ("id = \"find\"", "id = \"find it\""),
            ("path = \"/search\"", "path = \"search\""),
            ("path = \"/search\"", "path = \"/search?q=1\""),
            ("path = \"/search\"", "price = \"0.03 CNY\""),
            ("version = \"1\"", "version = \"1\"\nprovider = { organization = \"a\" }"),
        ] {
            let bad = GOOD.replace(from, to);
            assert_ne!(bad, GOOD);
            assert!(Profile::parse(&bad).is_err(), "{to}");
        }
        let twice = format!("{GOOD}{}", GOOD.split_at(GOOD.find("[[skill]]").unwrap()).1);
        assert!(Profile::parse(&twice).unwrap_err().to_string().contains("twice"));
        assert!(Profile::parse(&"#".repeat(PROFILE_BYTES_MAX + 1)).is_err());
    }
}

//! Names from a `pom.xml` of Maven.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The parts of a `pom.xml` that name the artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pom {
    pub(super) artifact: Option<String>,
    version: Option<String>,
    parent_version: Option<String>,
    final_name: Option<String>,
    packaging: Option<String>,
    has_modules: bool,
}

impl Pom {
    /// Reads as much as is valid.
    pub(super) fn read(text: &str) -> Self {
        let mut pom = Self::default();
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    path.push(String::from_utf8_lossy(start.name().as_ref()).into_owned());
                    pom.has_modules |= path.join("/") == "project/modules";
                }
                Ok(Event::End(_)) => drop(path.pop()),
                Ok(Event::Text(text)) => {
                    let text = text.decode().unwrap_or_default();
                    pom.take(&path.join("/"), text.trim());
                }
                Ok(Event::Eof) | Err(_) => return pom,
                Ok(_) => {}
            }
        }
    }

    fn take(&mut self, path: &str, text: &str) {
        let part = match path {
            "project/artifactId" => &mut self.artifact,
            "project/version" => &mut self.version,
            "project/parent/version" => &mut self.parent_version,
            "project/build/finalName" => &mut self.final_name,
            "project/packaging" => &mut self.packaging,
            _ => return,
        };
        if !text.is_empty() {
            *part = Some(text.to_owned());
        }
    }

    /// Returns `true` if it only lists modules, or has settings for others.
    pub(super) fn is_aggregator(&self) -> bool {
        self.has_modules || self.packaging.as_deref() == Some("pom")
    }

    /// The jar in `target`, without its extension. `None` if the name depends on properties.
    pub(super) fn jar(&self) -> Option<String> {
        let version = self.version.as_ref().or(self.parent_version.as_ref());
        let artifact = self.artifact.as_deref()?;
        let name = match &self.final_name {
            Some(name) => name.clone(),
            None => format!("{artifact}-{}", version?),
        };
        let name = name.replace("${project.artifactId}", artifact);
        let name = match version {
            Some(version) => name.replace("${project.version}", version),
            None => name,
        };
        (!name.contains("${")).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(inside: &str) -> Option<String> {
        let text = format!("<project>{inside}</project>");
        Pom::read(&text).jar()
    }

    #[test]
    fn the_jar_has_the_name_and_the_version_of_the_artifact() {
        let parent = "<parent><artifactId>all</artifactId><version>2.1</version></parent>";
        let artifact = "<artifactId>order</artifactId>";
        for (inside, expected) in [
            (
                format!("{artifact}<version>1.0-SNAPSHOT</version>"),
                Some("order-1.0-SNAPSHOT"),
            ),
            (format!("{parent}{artifact}"), Some("order-2.1")),
            (
                format!("{parent}{artifact}<build><finalName>app</finalName></build>"),
                Some("app"),
            ),
            (
                format!(
                    "{parent}{artifact}<build><finalName>${{project.artifactId}}</finalName></build>"
                ),
                Some("order"),
            ),
            (format!("{artifact}<version>${{revision}}</version>"), None),
            (parent.to_owned(), None),
        ] {
            assert_eq!(jar(&inside).as_deref(), expected, "{inside}");
        }
    }

    #[test]
    fn a_pom_with_modules_has_no_artifact_of_its_own() {
        assert!(
            Pom::read("<project><modules><module>a</module></modules></project>").is_aggregator()
        );
        assert!(!Pom::read("<project><artifactId>a</artifactId></project>").is_aggregator());
    }
}

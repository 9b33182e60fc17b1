package org.kvmdev.cli.architecture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.EvaluationResult;
import org.junit.jupiter.api.Test;
import org.kvmdev.cli.architecture.fixture.ArmTimer;
import org.kvmdev.cli.architecture.fixture.JunitInTheKit;
import org.kvmdev.cli.architecture.fixture.KnowsTheRuntime;
import org.kvmdev.cli.architecture.fixture.ShowsALogger;
import org.kvmdev.cli.architecture.fixture.TicksByItself;
import org.kvmdev.cli.architecture.fixture.WritesAFile;

/** Each rule fails for a class that breaks it, and for its reason. */
class RulesTest {
  private static final String FIXTURES = "org.kvmdev.cli.architecture.fixture..";

  private static void fails(ArchRule rule, Class<?> broken, String reason) {
    JavaClasses classes = new ClassFileImporter().importClasses(broken);
    EvaluationResult result = rule.evaluate(classes);
    assertTrue(result.hasViolation(), () -> rule.getDescription() + " accepts " + broken);
    String report = result.getFailureReport().toString();
    assertTrue(report.contains(reason), report);
  }

  @Test
  void anArrowTheWrongWayIsFound() {
    fails(
        Rules.dependsOnlyOn(FIXTURES, "java..", "org.kvmdev.api.."),
        KnowsTheRuntime.class,
        "org.kvmdev.runtime.Kvm");
  }

  @Test
  void aModelThatWritesAFileIsFound() {
    fails(Rules.isAPlainModel(FIXTURES), WritesAFile.class, "java.nio.file.Files");
  }

  @Test
  void aModelWithAThreadIsFound() {
    fails(Rules.startsNoThread(FIXTURES), TicksByItself.class, "java.lang.Thread");
  }

  @Test
  void junitOutsideItsPackageIsFound() {
    fails(
        Rules.junitOnlyIn(FIXTURES, "org.kvmdev.testkit.junit.."),
        JunitInTheKit.class,
        "org.junit.jupiter.api.Assertions");
  }

  @Test
  void aForeignTypeInTheSpiIsFound() {
    fails(Rules.showsOnly(FIXTURES, "java.lang.."), ShowsALogger.class, "java.util.logging.Logger");
  }

  @Test
  void anArchitecturesNameInACoreClassIsFound() {
    fails(Rules.namesNoArchitecture(FIXTURES), ArmTimer.class, "arm64");
    fails(Rules.namesNoArchitecture(FIXTURES), ArmTimer.class, "gicTimer");
  }
}

package org.kvmdev.testkit.junit;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.runtime.Kvm;

/**
 * Replays a device family's recordings, a test for each: every output must be as recorded. A family
 * extends it beside its provider, in its own tests:
 *
 * {@snippet :
 * class MpicRecordingsTest extends RecordingsTest {
 *   MpicRecordingsTest() {
 *     super(94, "mpic/");
 *   }
 * }
 * }
 *
 * <p>The providers are those that {@link ServiceLoader} finds from the test class.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class RecordingsTest {
  private final int expected;
  private final String[] prefixes;
  private @Nullable Replays replays;

  /**
   * Says which recordings are the family's.
   *
   * @param expected how many there are, so that none is left out unseen
   * @param prefixes with what their paths begin: {@code mpic/} is a folder, {@code arm64/v2-} a
   *     part of one
   */
  protected RecordingsTest(int expected, String... prefixes) {
    this.expected = expected;
    this.prefixes = prefixes.clone();
  }

  /**
   * What is replayed on.
   *
   * @return by default, all providers that are found from the test class
   */
  protected Kvm kvm() {
    List<DeviceProvider> providers = new ArrayList<>();
    ServiceLoader.load(DeviceProvider.class, getClass().getClassLoader()).forEach(providers::add);
    return Kvm.of(providers);
  }

  /**
   * The tests.
   *
   * @return one that counts the recordings, and one for each
   */
  @TestFactory
  public final Stream<DynamicTest> recordings() {
    replays = new Replays(kvm(), expected, prefixes);
    return replays.tests();
  }

  /** Says how much was replayed. */
  @AfterAll
  public final void tell() {
    if (replays != null) {
      System.out.println(getClass().getSimpleName() + ": " + replays);
    }
  }
}

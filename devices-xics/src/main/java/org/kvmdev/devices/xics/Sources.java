package org.kvmdev.devices.xics;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** All source controllers of a VM, by source number. They are made when first named. */
final class Sources {
  /** The lowest number that a user may set: 0 is none, 2 is an inter-processor interrupt. */
  static final int FIRST = 16;

  /** One more than the highest number. */
  static final int END = 1 << 20;

  private static final int CONTROLLERS = END >> SourceController.SHIFT;

  private final AtomicReferenceArray<@Nullable SourceController> controllers =
      new AtomicReferenceArray<>(CONTROLLERS);

  /** The controller of a source, or null where none was made. */
  @Nullable SourceController find(int source) {
    int index = source >>> SourceController.SHIFT;
    return index < CONTROLLERS ? controllers.get(index) : null;
  }

  /** The controller of a source below {@link #END}, made if need be. */
  SourceController make(int source) {
    int index = source >>> SourceController.SHIFT;
    SourceController controller = controllers.get(index);
    if (controller == null) {
      controller = new SourceController();
      SourceController first = controllers.compareAndExchange(index, null, controller);
      return first == null ? controller : first;
    }
    return controller;
  }
}

package org.kvmdev.devices.xics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** All source controllers of a VM, by source number. They are made when first named. */
final class Sources {
  /** The lowest number that a user may set: 0 is none, 2 is an inter-processor interrupt. */
  static final int FIRST = 16;

  /** One more than the highest number. */
  static final int END = 1 << 20;

  private static final int CONTROLLERS = END >> SourceController.SHIFT;

  private static final VarHandle ELEMENT =
      MethodHandles.arrayElementVarHandle(SourceController[].class).withInvokeExactBehavior();

  private final @Nullable SourceController[] controllers =
      new @Nullable SourceController[CONTROLLERS];

  /** The controller of a source, or null where none was made. */
  @Nullable SourceController find(int source) {
    int index = source >>> SourceController.SHIFT;
    return index < CONTROLLERS ? (SourceController) ELEMENT.getAcquire(controllers, index) : null;
  }

  /** The controller of a source below {@link #END}, made if need be. */
  SourceController make(int source) {
    SourceController controller = find(source);
    if (controller == null) {
      controller = new SourceController();
      SourceController first =
          (SourceController)
              ELEMENT.compareAndExchange(
                  controllers,
                  source >>> SourceController.SHIFT,
                  (SourceController) null,
                  controller);
      return first == null ? controller : first;
    }
    return controller;
  }
}

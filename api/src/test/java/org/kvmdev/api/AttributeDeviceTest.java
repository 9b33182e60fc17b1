package org.kvmdev.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In which order a device's accessors look at the number and at the data. */
class AttributeDeviceTest {
  private static final AttributeGroup GROUP = AttributeGroup.of(1, "GROUP", "A group.").build();

  /** Some attributes. */
  private enum Some implements AttributeId {
    PLAIN(Attribute.of(GROUP, 0, "PLAIN", "Looks at the data first.").build()),
    LOOKS(Attribute.of(GROUP, 1, "LOOKS", "Looks at the number first.").looksBeforeSet().build()),
    SECRET(Attribute.of(GROUP, 2, "SECRET", "Cannot be read.").access(Access.WRITE).build()),
    FIXED(Attribute.of(GROUP, 3, "FIXED", "Cannot be written.").access(Access.READ).build());

    private final Attribute attribute;

    Some(Attribute attribute) {
      this.attribute = attribute;
    }

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private static final AttributeTable<Some> TABLE = AttributeTable.of(List.of(Some.values()));

  private final List<String> calls = new ArrayList<>();

  private final AttributeDevice<Some> device =
      new AttributeDevice<>(TABLE) {
        @Override
        protected long get(Some attribute, long attr) {
          calls.add("get " + attribute);
          return 0;
        }

        @Override
        protected void beforeSet(Some attribute, long attr) {
          calls.add("before " + attribute);
        }

        @Override
        protected void set(Some attribute, long attr, long value) {
          calls.add("set " + attribute);
        }
      };

  @Test
  void setLooksAtTheNumberFirstWhereThatIsDeclared() {
    refused(Errno.EFAULT, () -> device.setAttr(1, 0, 0, UserMemory.NONE));
    assertEquals(List.of(), calls);
    refused(Errno.EFAULT, () -> device.setAttr(1, 1, 0, UserMemory.NONE));
    assertEquals(List.of("before LOOKS"), calls);
  }

  @Test
  void getHasHappenedWhereItsDataCannotBeWritten() {
    refused(Errno.EFAULT, () -> device.getAttr(1, 0, 0, UserMemory.NONE));
    assertEquals(List.of("get PLAIN"), calls);
  }

  @Test
  void whatIsNotDeclaredIsRefusedBeforeTheDevice() throws KvmException {
    refused(Errno.ENXIO, () -> device.getAttr(1, 2, 0, UserMemory.NONE));
    refused(Errno.ENXIO, () -> device.setAttr(1, 3, 0, UserMemory.NONE));
    refused(Errno.ENXIO, () -> device.hasAttr(1, 4));
    refused(Errno.ENXIO, () -> device.hasAttr(2, 0));
    device.hasAttr(1, 2);
    assertEquals(List.of(), calls);
  }

  @Test
  void whoDeclaresItAndDoesNotDoItIsTold() {
    AttributeDevice<Some> forgetful =
        new AttributeDevice<>(TABLE) {
          @Override
          protected long get(Some attribute, long attr) {
            return 0;
          }

          @Override
          protected void set(Some attribute, long attr, long value) {}
        };
    assertThrows(
        UnsupportedOperationException.class, () -> forgetful.setAttr(1, 1, 0, UserMemory.NONE));
  }

  /** A call that is refused. */
  private interface Call {
    void make() throws KvmException;
  }

  private static void refused(Errno errno, Call call) {
    assertEquals(errno, assertThrows(KvmException.class, call::make).errno());
  }
}

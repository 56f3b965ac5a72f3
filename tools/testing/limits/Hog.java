// SPDX-License-Identifier: GPL-2.0-only OR MIT
import java.util.ArrayList;
import java.util.List;

/** Take memory until there is none, then say so and end in order. */
public class Hog {
	public static void main(String[] args) {
		int most = Integer.parseInt(args[0]);
		List<byte[]> held = new ArrayList<>();

		try {
			while (held.size() < most)
				held.add(new byte[1 << 20]);
		} catch (OutOfMemoryError e) {
			held = null;
			System.out.println("OutOfMemoryError: " + e.getMessage());
			System.exit(0);
		}
		System.out.println("no limit met");
		System.exit(1);
	}
}

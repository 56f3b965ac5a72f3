// SPDX-License-Identifier: GPL-2.0-only OR MIT
import java.util.ArrayList;
import java.util.List;

/** Answers forty requests, the twentieth of which wants more than there is. */
public class Service {
	private static final byte[][] kept = new byte[160][];

	private static void answer(int nr) {
		List<byte[]> own = new ArrayList<>();

		while (own.size() < (nr == 20 ? 4800 : 32))
			own.add(new byte[128 << 10]);
		kept[nr % kept.length] = own.get(0);
	}

	public static void main(String[] args) {
		int answered = 0;
		String refused = "nothing";

		for (int i = 0; i < kept.length; i++)
			kept[i] = new byte[128 << 10];
		for (int nr = 1; nr <= 40; nr++) {
			try {
				answer(nr);
				answered++;
			} catch (OutOfMemoryError e) {
				refused = "OutOfMemoryError";
			}
		}
		System.out.println("=> " + answered + " of 40, " + refused);
	}
}
